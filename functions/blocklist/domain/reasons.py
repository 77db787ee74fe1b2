"""
Why a mail came back, by what the reply says.

Neither Tencent's label nor the reply's code tells: QQ answers a rate limit with 550, Yandex an
unknown user with 5.7.1, Orange a full mailbox with 5.1.1. So the words decide, in the order of the
rules, the user's first. Words that no rule knows leave it to the enhanced code, then to the reply
code: see docs/decisions/0011-reasons-come-from-the-reply.md. What the provider's label is worth
beside them is for the policy to say.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from functions.blocklist.domain.replies import ADDRESS, Reply, read_reply, wording

#: Campaigns meet the same replies over and over, so a few thousand are nearly all of them.
CACHED_REPLIES = 4096
#: Sets of words come back in rule after rule.
CACHED_PIECES = 1024
#: How many letters `...` in a pattern may stand for.
MAX_GAP_LETTERS = 32
#: A pattern that asks for the codes alone, before the words are looked at.
ANY_WORDS = "*"
#: Stands for a rule's name where none matched.
NO_RULE = "no rule"
#: Keys are looked up by so many of their first letters; the loop below takes them three at a time.
_START = 3

_GROUP = re.compile(r"\([^()]*\)")
_STRAY_BRACKET = re.compile(r"[()]")
_TOKEN = re.compile(r"\(([^()]*)\)|(\.\.\.)|([^()]+?)(?=\(|\.\.\.|\Z)")


class Reason(StrEnum):
    """Why a mail was refused. Only an address that is gone can be blocked for it."""

    ADDRESS_GONE = "address_gone"
    MAILBOX_FULL = "mailbox_full"
    RATE_LIMITED = "rate_limited"
    REPUTATION = "reputation"
    CONTENT = "content"
    AUTHENTICATION = "authentication"
    POLICY = "policy"
    NETWORK = "network"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a reply was found to say, and by which rule.

    *is_gone_for_good* is the answer to the one question that costs something: block now?
    *is_silent* when there was nothing to judge: neither a word nor a code that tells. *code* and
    *enhanced* are the reply's own.
    """

    reason: Reason
    rule: str
    is_gone_for_good: bool = False
    is_silent: bool = False
    code: str = ""
    enhanced: str = ""


@dataclass(frozen=True)
class Rule:
    """
    A wording, and what it means.

    *pattern* is made of words; letter case, spaces and punctuation do not count. `(a/b/)` is one of
    several, `...` up to 32 letters, `@` an address. `*` takes any words, so that the *codes*
    decide at once; an empty one lets them decide when no wording did. *codes*, when there are any,
    must hold one of the reply's: `550`, `5.1.1`, `5.1` for all below it, or `552 5.1.1` for both.
    *lasting* is false for an address that may come back. *name* is the pattern as somebody wrote
    it, before sets of words were filled in.

    A temporary reply never means for good, unless the rule asks for its code by name.
    """

    provider: str
    pattern: str
    reason: Reason
    source: str
    codes: tuple[str, ...] = ()
    lasting: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        if _STRAY_BRACKET.search(_GROUP.sub("", self.pattern)):
            raise ValueError("brackets must pair, and not stand in each other")
        if self.pattern in {"", ANY_WORDS}:
            if not self.codes:
                raise ValueError("needs words or a code")
        elif not _shortest(self.keys):
            raise ValueError("needs words that cannot be left out")

    @property
    def id(self) -> str:
        """A name that stays when rules move."""
        codes = f" [{', '.join(self.codes)}]" if self.codes else ""
        return f"{self.provider}: {self.name or self.pattern}{codes}"

    @cached_property
    def keys(self) -> Sequence[str]:
        """Pieces of which every matching wording holds one. Cheap to look for."""
        if not self.pattern:
            return ()
        if self.pattern == ANY_WORDS:
            return ("",)
        return max(self._pieces, key=_shortest, default=())

    @cached_property
    def _pieces(self) -> Sequence[Sequence[str]]:
        """The pattern's parts: the letters of which one must be there, none for a gap."""
        return [_piece(*token) for token in _TOKEN.findall(self.pattern)]

    @cached_property
    def _expression(self) -> re.Pattern[str] | None:
        """Compiled when first needed: all at once would cost every cold start."""
        if len(self._pieces) <= 1:
            return None
        return re.compile("".join(map(_expression, self._pieces)))

    def matches(self, reply: Reply) -> bool:
        """Tell whether *reply*, which holds the key, is meant."""
        if self.codes and not any(code in self.codes for code in _codes(reply)):
            return False
        return self._expression is None or bool(self._expression.search(reply.wording))

    @property
    def blocks(self) -> bool:
        """Tell whether the rule can mean that an address is gone for good."""
        return self.lasting and self.reason is Reason.ADDRESS_GONE

    def means_for_good(self, reply: Reply) -> bool:
        """Tell whether the address of *reply*, which matches, will not come back."""
        asks_for_temporary = any(code.startswith("4") for code in self.codes)
        return self.blocks and (asks_for_temporary or not reply.is_temporary)


class Classifier:
    """
    Judges replies by *rules*: the first that matches wins, so the user's own go first.

    Most rules are never tried: only those with a key whose first three letters the reply holds. As
    multiples of `json.loads` of the callback that carried the reply: 6 to 8 for a new one, 2 for
    known words about another address, 0.03 for a known text. Expressions one after the other took
    18 to 29.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._by_code: dict[str, Rule] = {}
        positions: dict[str, list[int]] = {}
        for position, rule in enumerate(self._rules):
            for key in rule.keys:
                positions.setdefault(key, []).append(position)
            for code in () if rule.pattern else rule.codes:
                self._by_code.setdefault(code, rule)
        self._always = positions.pop("", [])
        self._by_short_key = {key: positions[key] for key in positions if len(key) < _START}
        self._by_start: dict[str, list[tuple[str, list[int]]]] = {}
        for key, found in positions.items():
            if len(key) >= _START:
                self._by_start.setdefault(key[:_START], []).append((key, found))
        self._judge_text = lru_cache(CACHED_REPLIES)(self._read_and_judge)
        self._judge_reply = lru_cache(CACHED_REPLIES)(self._judge)

    def classify(self, text: str) -> Verdict:
        """Judge the reply *text*."""
        return self._judge_text(text)

    def _read_and_judge(self, text: str) -> Verdict:
        """Judge replies that differ in nothing but address and time only once."""
        return self._judge_reply(read_reply(text))

    def _judge(self, reply: Reply) -> Verdict:
        rule = self._by_words(reply) or self._by_codes(reply)
        if rule:
            name, reason, for_good = rule.id, rule.reason, rule.means_for_good(reply)
        else:
            name, reason, for_good = NO_RULE, Reason.UNKNOWN, False
        return Verdict(
            reason,
            name,
            is_gone_for_good=for_good,
            is_silent=not rule and not reply.has_words and not reply.is_temporary,
            code=reply.code,
            enhanced=reply.enhanced,
        )

    def _by_words(self, reply: Reply) -> Rule | None:
        candidates = sorted({*self._always, *self._positions(reply.wording)})
        rules = (self._rules[position] for position in candidates)
        return next((rule for rule in rules if rule.matches(reply)), None)

    def _positions(self, words: str) -> Iterator[int]:
        """Give the rules of which *words* hold a key, in no order."""
        for key, found in self._by_short_key.items():
            if key in words:
                yield from found
        for start in map("".join, zip(words, words[1:], words[2:], strict=False)):
            for key, found in self._by_start.get(start, ()):
                if key in words:
                    yield from found

    def _by_codes(self, reply: Reply) -> Rule | None:
        """Let a code block only where there are no words: unknown ones may say otherwise."""
        rules = (self._by_code[code] for code in _codes(reply) if code in self._by_code)
        return next((rule for rule in rules if not (rule.blocks and reply.has_words)), None)


@lru_cache(CACHED_PIECES)
def _piece(alternatives: str, gap: str, words: str) -> Sequence[str]:
    if gap:
        return ()
    return tuple(map(_letters, [words] if words else alternatives.split("/")))


def _expression(piece: Sequence[str]) -> str:
    if not piece:
        return f".{{0,{MAX_GAP_LETTERS}}}"
    return f"(?:{'|'.join(map(re.escape, piece))})"


def _shortest(letters: Sequence[str]) -> int:
    return min(map(len, letters), default=0)


def _letters(words: str) -> str:
    """Bring a pattern's words into the form that a reply's are brought into."""
    return ADDRESS.join(wording(part) for part in words.split("@"))


def _codes(reply: Reply) -> Sequence[str]:
    """Every name under which a rule may ask for the codes, the narrowest first."""
    named = (
        f"{reply.code} {reply.enhanced}",
        reply.enhanced,
        reply.enhanced.rpartition(".")[0],
        reply.code,
        reply.code[:1],
    )
    return [code for code in named if code.strip()]
