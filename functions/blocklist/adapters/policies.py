"""
Policies as TOML: read, checked, and laid over one another.

The form is told in docs/policy.md. A mistake says the file, the line, and what to write instead.
"""

import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from functions.blocklist.adapters.rules import load_classifier, our_rules, read_user_rules
from functions.blocklist.adapters.toml_lines import line_in_text, line_of
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.events import EventKind
from functions.blocklist.domain.policy import Action, Policy, PolicyRule, Protected
from functions.blocklist.domain.reasons import Reason, Rule
from functions.blocklist.domain.terms import Strikes, Terms

POLICIES = Path(__file__).parents[1] / "policies"


class _Event(StrEnum):
    """The events that a rule can ask for: the others never reach the policy."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    UNCLEAR_BOUNCE = "unclear_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    DROPPED = "dropped"


class _Reply(StrEnum):
    SILENT = "silent"
    ANY = "any"


_T = TypeVar("_T")
_Days: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
_Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=320)]
_OneOrMore: TypeAlias = _T | Annotated[list[_T], msgspec.Meta(min_length=1)]


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    event: _OneOrMore[_Event]
    then: Action
    days: _Days | None = None
    reason: _OneOrMore[Reason] = []
    lasting: bool | None = None
    reply: _Reply = _Reply.ANY
    from_: _OneOrMore[_Text] = msgspec.field(name="from", default=[])
    from_domain: _OneOrMore[_Text] = []
    template_id: _OneOrMore[int | _Text] = []


class _Protect(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    addresses: list[str] = []
    domains: list[str] = []


class _Terms(msgspec.Struct, forbid_unknown_fields=True):
    days: Annotated[list[_Days], msgspec.Meta(min_length=1)]


class _Strikes(msgspec.Struct, forbid_unknown_fields=True):
    mails: _Days
    days: _Days
    window_days: _Days


class _File(msgspec.Struct, forbid_unknown_fields=True):
    extends: str | None = None
    terms: _Terms | None = None
    strikes: _Strikes | None = None
    protect: _Protect = _Protect()
    replies: str = ""
    rules: list[_Rule] = []


#: What a key takes, where naming the wrong value alone would not help.
_WORDS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {"event": _Event, "then": Action, "reason": Reason, "reply": _Reply}
)
#: Which keys a table takes.
_KEYS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {"": _File, "rules": _Rule, "terms": _Terms, "strikes": _Strikes, "protect": _Protect}
)
_UNKNOWN_FIELD = "Object contains unknown field `"
_MISSING_FIELD = "Object missing required field `"


class PolicyError(ValueError):
    """A policy that cannot be used; the text names the file, the line, and what to do."""


def load_policy(name: str, *, folder: Path = POLICIES) -> Policy:
    """
    Read the policy *name*, a file in *folder*, with what it extends.

    Raises:
        PolicyError: it is not there, or cannot be used.
    """
    layers = _layers(name, folder)
    terms = next((layer.file.terms for layer in layers if layer.file.terms), None)
    strikes = next((layer.file.strikes for layer in layers if layer.file.strikes), None)
    if not terms or not strikes:
        missing = "[strikes]" if terms else "[terms]"
        raise PolicyError(f'{name} has no {missing}: add it, or extends = "strict.toml" on top')
    return Policy(
        version=f"{name.removesuffix('.toml')}@{_digest(layers)}",
        rules=_overlaid(layers),
        terms=Terms(tuple(terms.days), Strikes(strikes.mails, strikes.days, strikes.window_days)),
        classify=load_classifier([rule for layer in layers for rule in layer.replies]).classify,
        protected=Protected(
            frozenset().union(*(layer.addresses for layer in layers)),
            frozenset().union(*(layer.domains for layer in layers)),
        ),
    )


class _Layer:
    """One file of a policy: its text, and what it says."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        try:
            self.file = msgspec.convert(tomllib.loads(text), _File)
        except tomllib.TOMLDecodeError as error:  # names the line by itself
            raise PolicyError(f"{name} is no TOML: {error}") from None
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            raise self.error(*_explain(message, path.rstrip("`"))) from None
        self._check_terms()
        self._check_rules()
        self.rules = tuple(map(_policy_rule, self.file.rules))
        self.replies = self._replies()
        self.addresses = self._addresses()
        self.domains = self._domains()

    def error(self, path: str, problem: str) -> PolicyError:
        """Say what is wrong with the value at *path*, such as `.rules[2].then`, and where."""
        line = line_of(self.text, path)
        where = f", line {line}" if line else ""
        return PolicyError(f"{self.name}{where}: {problem}")

    def _addresses(self) -> frozenset[str]:
        """Give the protected addresses, normal and in lower case; no error shows one."""
        found = set()
        for number, address in enumerate(self.file.protect.addresses, start=1):
            normalised = normalise(address)
            if not normalised:
                raise self.error(".protect.addresses", f"number {number} of the addresses is none")
            found.add(normalised.lower())
        return frozenset(found)

    def _domains(self) -> frozenset[str]:
        """Give the protected domains in their normal form."""
        found = set()
        for domain in self.file.protect.domains:
            normalised = normalise(f"anybody@{domain}")
            if not normalised:
                raise self.error(
                    ".protect.domains", f'{domain!r} is no domain; write it as "example.com"'
                )
            found.add(normalised.partition("@")[2])
        return frozenset(found)

    def _replies(self) -> Sequence[Rule]:
        """Read the rules for replies; a mistake in them is named by its line in the file."""
        lines_above = line_in_text(self.text, "replies") - 1
        try:
            return read_user_rules("\n" * lines_above + self.file.replies, origin=self.name)
        except ValueError as error:
            raise PolicyError(f"{error} (docs/policy.md tells the form)") from None

    def _check_terms(self) -> None:
        """Refuse terms and strikes that are well written and make no sense."""
        terms, strikes = self.file.terms, self.file.strikes
        if terms and sorted(set(terms.days)) != terms.days:
            raise self.error(".terms.days", "each term must be longer than the one before it")
        if strikes and strikes.days > min(strikes.mails, strikes.window_days):
            raise self.error(
                ".strikes.days",
                "days cannot be more than mails, nor than window_days: so many never come together",
            )

    def _check_rules(self) -> None:
        """Refuse rules that are well written and make no sense."""
        names: set[str] = set()
        for position, rule in enumerate(self.file.rules):
            path = f".rules[{position}]"
            if rule.name in names:
                raise self.error(
                    f"{path}.name", f"there is a rule {rule.name!r} above; name this one otherwise"
                )
            names.add(rule.name)
            if rule.then is Action.BLOCK_UNTIL and rule.days is None:
                raise self.error(
                    f"{path}.then", 'then = "block_until" needs the first term, such as days = 30'
                )
            if rule.then is not Action.BLOCK_UNTIL and rule.days is not None:
                raise self.error(f"{path}.days", 'days go with then = "block_until" only')
            asks_reply = rule.reason or rule.lasting is not None or rule.reply is not _Reply.ANY
            silent = [event for event in _several(rule.event) if not event.endswith("_bounce")]
            if asks_reply and silent:
                raise self.error(
                    f"{path}.event",
                    f"a {silent[0]} has no reply, so it cannot be asked for reason, lasting or "
                    "reply; give it a rule of its own",
                )


def _explain(message: str, path: str) -> tuple[str, str]:
    """Give a mistake's path, and say in our words what to write there."""
    table, key = _parts(path)
    if message.startswith(_UNKNOWN_FIELD):
        unknown = message.removeprefix(_UNKNOWN_FIELD).rstrip("`")
        keys = ", ".join(field.encode_name for field in msgspec.structs.fields(_KEYS[table]))
        return f"{path}.{unknown}", f"{unknown} is not known here; known are {keys}"
    if message.startswith(_MISSING_FIELD):
        missing = message.removeprefix(_MISSING_FIELD).rstrip("`")
        header = "[[rules]]" if table == "rules" else f"[{table}]"
        return path, f"{header} needs {missing}"
    if key in _WORDS:
        words = ", ".join(_WORDS[key])
        wrong = message.removeprefix("Invalid enum value ")
        if wrong != message:
            return path, f"{key}: {wrong} is not one of {words}"
        return path, f"{key}: {message}; one of {words}"
    if path == ".rules":
        return path, "a rule begins with [[rules]], in two brackets"
    return path, f"{path[1:]}: {message}"


def _parts(path: str) -> tuple[str, str]:
    """Split `.rules[2].then[0]` into the table's name and the key's."""
    table, _, key = path[1:].partition(".")
    return table.partition("[")[0], key.partition("[")[0]


def _policy_rule(rule: _Rule) -> PolicyRule:
    """Say it in the domain's words."""
    return PolicyRule(
        name=rule.name,
        action=rule.then,
        events=frozenset(EventKind(event) for event in _several(rule.event)),
        days=rule.days or 0,
        reasons=frozenset(_several(rule.reason)),
        lasting=rule.lasting,
        silent=True if rule.reply is _Reply.SILENT else None,
        senders=_lower(rule.from_),
        from_domains=_lower(rule.from_domain),
        template_ids=frozenset(str(template) for template in _several(rule.template_id)),
    )


def _layers(name: str, folder: Path) -> Sequence[_Layer]:
    """Give the file *name*, then what it extends, and so on."""
    layers = [_Layer(name, _read(name, folder))]
    while wanted := layers[-1].file.extends:
        if any(layer.name == wanted for layer in layers):
            raise layers[-1].error(".extends", f"{wanted!r} leads back to itself")
        try:
            text = _read(wanted, folder)
        except PolicyError as error:
            raise layers[-1].error(".extends", str(error)) from None
        layers.append(_Layer(wanted, text))
    return layers


def _read(name: str, folder: Path) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        there = ", ".join(sorted(path.name for path in folder.glob("*.toml")))
        raise PolicyError(f"there is no policy {name!r} to be read; there are {there}") from None


def _overlaid(layers: Sequence[_Layer]) -> Sequence[PolicyRule]:
    """Put a file's own rules first, and in place of those of the same name that it extends."""
    rules: dict[str, PolicyRule] = {}
    for layer in layers:
        for rule in layer.rules:
            rules.setdefault(rule.name, rule)
    return tuple(rules.values())


def _digest(layers: Sequence[_Layer]) -> str:
    """Name everything that a decision follows from, our rules for replies among it."""
    texts = [*(layer.text for layer in layers), our_rules()]
    return sha256("\0".join(texts).encode()).hexdigest()[:8]


def _several(value: Any) -> Sequence[Any]:  # noqa: ANN401 - one of anything, or a list of them
    return value if isinstance(value, list) else [value]


def _lower(value: _OneOrMore[str]) -> frozenset[str]:
    return frozenset(text.strip().lower() for text in _several(value))
