"""Dead letters: what they are, which of them are meant, and what goes back to the queue of them."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from functions.blocklist.domain.dead_letters import ErrorCode

#: The group of those that SQS itself moved: nothing on them says why.
EXHAUSTED = "receives-exhausted"
HELD = "Held"
#: Whoever looks at a queue holds what they see; they are stopped, and it comes back by itself.
HOLD_SECONDS = 120

#: Every code that a letter of this version can have.
CODES = frozenset({*ErrorCode, EXHAUSTED})

#: What a redriven letter takes along. Its code belongs to the try that is over.
_KEPT = ("Origin", "BodyEncoding")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the dead-letter queue; *arrived_at* is when its event first came to SQS."""

    queue_message_id: str
    body: str = field(repr=False)
    attributes: Mapping[str, str]
    arrived_at: datetime
    receives: int

    @property
    def code(self) -> str:
        """Why it is here."""
        return self.attributes.get("ErrorCode") or EXHAUSTED

    @property
    def part(self) -> str:
        """Which part of a body it carries that fits into no single message, such as `1/2`."""
        return self.attributes.get("BodyPart", "")

    @property
    def is_from_operator(self) -> bool:
        """Tell whether a person put it on the queue, and no callback."""
        return self.attributes.get("Origin") == "operator"

    @property
    def original(self) -> bytes:
        """The body as it came, or this part of it."""
        if self.attributes.get("BodyEncoding") == "base64":
            try:
                return b64decode(self.body, validate=True)
            except ValueError:
                pass  # then it is what it is
        return self.body.encode(errors="surrogatepass")

    @property
    def bulk_ids(self) -> frozenset[str]:
        """The mailings that its events are about, as far as that can be read."""
        try:
            value = json.loads(self.original)
        except ValueError:
            return frozenset()
        events = value if isinstance(value, list) else [value]
        named = (
            event.get("bulkId") or event.get("bulkid")
            for event in events
            if isinstance(event, dict)
        )
        return frozenset(bulk_id for bulk_id in named if isinstance(bulk_id, str))


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to send."""

    body: str
    attributes: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """What it takes of a request, at most."""
        attributes = sum(len(name) + len(value) + 16 for name, value in self.attributes.items())
        return len(self.body.encode(errors="surrogatepass")) + attributes


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant: of some codes, or of any other than *never*; of one mailing."""

    codes: frozenset[str] = frozenset()
    bulk_id: str = ""
    never: str = ""

    def __contains__(self, letter: Letter) -> bool:
        """Tell whether *letter* is meant."""
        is_of_code = letter.code in self.codes if self.codes else letter.code != self.never
        return is_of_code and (not self.bulk_id or self.bulk_id in letter.bulk_ids)


@dataclass(slots=True)
class Group:
    """All letters of one code."""

    letters: int
    first_arrived: datetime
    last_arrived: datetime
    from_operator: int


def grouped(letters: Iterable[Letter]) -> Mapping[str, Group]:
    """Count *letters* by code, the largest group first."""
    groups: dict[str, Group] = {}
    for letter in letters:
        group = groups.setdefault(letter.code, Group(0, letter.arrived_at, letter.arrived_at, 0))
        group.letters += 1
        group.first_arrived = min(group.first_arrived, letter.arrived_at)
        group.last_arrived = max(group.last_arrived, letter.arrived_at)
        group.from_operator += letter.is_from_operator
    return dict(sorted(groups.items(), key=lambda item: -item[1].letters))


def counted(groups: Mapping[str, Group]) -> str:
    """Say how many letters there are of each code."""
    return ", ".join(f"{code} {group.letters:,}" for code, group in groups.items())


def meaning(code: str) -> str:
    """Say what *code* means, in one sentence."""
    if code == EXHAUSTED:
        return "SQS gave it up after too many receives; mend the reason, then redrive."
    known = {each.value: each.sentence for each in ErrorCode}
    return known.get(code, "A code that this version does not know.")


def returning_attributes(letter: Letter, *, as_operator: bool) -> Mapping[str, str]:
    """Give what goes back to the queue beside the body, unchanged but for who answers for it."""
    kept = {name: letter.attributes[name] for name in _KEPT if name in letter.attributes}
    return {**kept, "Origin": "operator"} if as_operator else kept


def fits(letter: Letter, *, max_bytes: int, attributes: Mapping[str, str]) -> bool:
    """Tell whether the source queue takes *letter*; a part of a body is larger than that anyway."""
    size = len(letter.body.encode(errors="surrogatepass")) + sum(
        len(name) + len("String") + len(value) for name, value in attributes.items()
    )
    return not letter.part and size <= max_bytes


def readable(letter: Letter, *, limit: int | None = None) -> str:
    """Give the original for people; what is no text of it is shown as bytes."""
    text = letter.original.decode(errors="backslashreplace")
    if limit is not None and len(text) > limit:
        return f"{text[:limit]} ... ({len(text) - limit:,} characters more)"
    return text
