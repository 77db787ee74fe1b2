"""What the world knows of the events it sent, and whether each came to an end that fits it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from tests.model.events import End, Event, tags
from tests.model.queues import Message
from tests.model.tencent import Tencent, is_bad


@dataclass
class Claims:
    """
    Events by tag, and what was done with them.

    *accepted* are answered 200, or put on the queue past the door; *strangers* came with a wrong
    token. *bodies* is whatever may be a message or a letter, *asked* who may be blocked and until
    when at most. *keeps_terms* says that a block has to last as long as its longest event asks for.
    """

    keeps_terms: bool

    events: dict[bytes, Event] = field(default_factory=dict)
    accepted: set[bytes] = field(default_factory=set)
    strangers: set[bytes] = field(default_factory=set)
    bodies: set[bytes] = field(default_factory=set)
    asked: dict[str, date] = field(default_factory=dict)

    def expect(self, body: bytes, events: Sequence[Event]) -> None:
        """Note that *events* may be kept from now on, each by itself or all in *body*."""
        self.bodies.update([body, *(event.raw for event in events)])
        for event in events:
            if event.end is End.BLOCKED:
                known = self.asked.get(event.address, event.until)
                self.asked[event.address] = max(known, event.until)

    def accept(self, events: Sequence[Event]) -> None:
        """Note that from now on none of *events* may be lost."""
        self.accepted.update(event.tag for event in events)

    def lost(
        self,
        waiting: Iterable[Message],
        letters: Iterable[Message],
        tencent: Tencent,
        *,
        may_be_off: Collection[str],
    ) -> list[Event]:
        """
        Give the accepted events that are neither waiting nor where they belong.

        Those who *may_be_off* the list for a while are left out.
        """
        codes: dict[bytes, set[str | None]] = {}
        for letter in letters:
            for tag in tags(letter.original):
                codes.setdefault(tag, set()).add(letter.code)
        gone = [self.events[tag] for tag in self.accepted - held_tags(waiting)]
        return [
            event
            for event in gone
            if event.address not in may_be_off
            and not self._has_ended(event, codes.get(event.tag, set()), tencent)
        ]

    def ended(self, waiting: Iterable[Message], letters: Iterable[Message]) -> list[Event]:
        """Give the accepted events that were kept and neither wait nor have a letter."""
        held = held_tags(waiting) | held_tags(letters)
        ended = [self.events[tag] for tag in self.accepted - held]
        return [event for event in ended if event.end is not End.NOT_KEPT]

    def is_true(self, letter: Message, tencent: Tencent) -> bool:
        """Tell whether *letter* is what was sent, and its code fits something in it."""
        events = [self.events[tag] for tag in tags(letter.original)]
        fits = letter.code is None or any(_deserves(e, letter.code, tencent) for e in events)
        return bool(events) and fits and letter.original in self.bodies

    def _has_ended(self, event: Event, codes: Collection[str | None], tencent: Tencent) -> bool:
        """
        Tell whether an event that waits nowhere ended well; *codes* are its dead letters'.

        None among them: SQS moved it. An array has one letter for everything in it.
        """
        if event.end is End.DEAD:
            return bool(codes)
        if event.end is not End.BLOCKED or None in codes:
            return True
        if event.address in tencent.swallowed:
            return True
        if codes and (is_bad(event.address) or event.address in tencent.refused_alone):
            return True
        until = tencent.entries.get(event.address)
        return until is not None and (until >= event.until or not self.keeps_terms)


def held_tags(messages: Iterable[Message]) -> set[bytes]:
    """Give the tags of all events in *messages*."""
    return {tag for message in messages for tag in tags(message.original)}


def _deserves(event: Event, code: str, tencent: Tencent) -> bool:
    if event.address and code == "RefusedAddress":
        return is_bad(event.address)
    if event.address and code == "RefusedRequest":
        return event.address in tencent.refused_alone
    return event.end is End.DEAD and event.code == code
