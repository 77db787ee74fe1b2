"""
The rules that tell one reply from another, as text: one a line, in the order in which they win.

Plain lines, since a cold start pays for the reading: `tomllib` takes many times as long for the
same rules. Anybody can write more of them in the same form; those go before ours.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from functions.blocklist.domain.reasons import Classifier, Reason, Rule

OUR_RULES = Path(__file__).parents[1] / "rules" / "reasons.txt"
#: After a reason: the address may come back.
FOR_NOW = " for now"
_COLUMNS = 5
_REASONS = {reason.value: reason for reason in Reason}


def load_classifier(user_rules: Sequence[Rule] = ()) -> Classifier:
    """Build the classifier: *user_rules* first, then ours."""
    return Classifier((*user_rules, *read_rules(our_rules(), origin=OUR_RULES.name)))


def our_rules() -> str:
    """Give the text of our rules."""
    return OUR_RULES.read_text(encoding="utf-8")


def read_user_rules(text: str, *, origin: str) -> Sequence[Rule]:
    """
    Read rules that may use our sets of words.

    Raises:
        ValueError: a rule is none. Says which, by *origin* and line.
    """
    return read_rules(text, origin=origin, sets=read_sets(our_rules(), origin=OUR_RULES.name))


def read_sets(text: str, *, origin: str) -> Mapping[str, str]:
    """
    Give each `{name} = one, another` of *text* as its name and the group it stands for.

    Raises:
        ValueError: a line that opens with a brace is no set.
    """
    sets = {}
    for number, line in _lines(text):
        if line.startswith("{"):
            name, equals, words = line.partition("=")
            if not equals:
                raise ValueError(f"{origin}, line {number}: a set needs a '='")
            alternatives = (each.strip() for each in words.split(","))
            sets[name.strip()] = f"({'/'.join(alternatives)})"
    return sets


def read_rules(text: str, *, origin: str, sets: Mapping[str, str] | None = None) -> Sequence[Rule]:
    """
    Read `reason | provider | codes | pattern | source`, with *sets* beside the text's own.

    Raises:
        ValueError: a line is neither a rule nor a set nor a comment, or two rules are the same.
    """
    known = dict(sets or {}) | dict(read_sets(text, origin=origin))
    rules: dict[str, Rule] = {}
    for number, line in _lines(text):
        if line.startswith("{"):
            continue
        try:
            rule = _rule(line, sets=known)
        except ValueError as error:
            raise ValueError(f"{origin}, line {number}: {error}") from None
        if rule.id in rules:
            raise ValueError(f"{origin}, line {number}: stands there twice")
        rules[rule.id] = rule
    return tuple(rules.values())


def _lines(text: str) -> Sequence[tuple[int, str]]:
    numbered = enumerate(text.split("\n"), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip() and line[0] != "#"]


def _rule(line: str, *, sets: Mapping[str, str]) -> Rule:
    columns = [column.strip() for column in line.split("|")]
    if len(columns) != _COLUMNS:
        raise ValueError(
            f"{len(columns)} columns, not {_COLUMNS}: reason | provider | codes | pattern | source"
        )
    reason, provider, codes, pattern, source = columns
    filled = _filled(pattern, sets) if "{" in pattern else pattern
    return Rule(
        provider,
        filled,
        _reason(reason.removesuffix(FOR_NOW)),
        source,
        codes=tuple(code.strip() for code in codes.split(",")) if codes else (),
        lasting=not reason.endswith(FOR_NOW),
        name=pattern,
    )


def _filled(pattern: str, sets: Mapping[str, str]) -> str:
    for name, group in sets.items():
        pattern = pattern.replace(name, group)
    if "{" in pattern:
        raise ValueError(f"{pattern[pattern.index('{') :].partition('}')[0]}}} is no set")
    return pattern


def _reason(word: str) -> Reason:
    if word not in _REASONS:
        raise ValueError(f"{word!r} is no reason; one of {', '.join(Reason)}")
    return _REASONS[word]
