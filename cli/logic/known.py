"""What the ledger knows of one address, for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD, Terms

#: Origins of facts: from the door, by a person, or on Tencent's list before the ledger was there.
CALLBACK, OPERATOR, EXISTING = "callback", "operator", "existing"
#: Outcomes.
BLOCKED, DRY_RUN, HELD = "blocked", "dry-run", "held"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact with its *details*, of which an old one has none any more."""

    fact: Fact
    details: Mapping[str, str] = field(repr=False)

    @property
    def decided_at(self) -> float:
        """When it was recorded, or where that is not known any more, when it happened."""
        recorded = self.details.get("recorded_at", "")
        return datetime.fromisoformat(recorded).timestamp() if recorded else self.fact.at

    @property
    def origin(self) -> str:
        """Where it came from."""
        return self.details.get("origin", CALLBACK)

    @property
    def is_ignored(self) -> bool:
        """Tell whether only note was taken."""
        return self.fact.action is Action.IGNORE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a *batch* did about the address."""

    batch: str
    at: float
    outcome: str
    until: date | None
    policy: str
    request_id: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a person took back: all until *at*, or some facts."""

    at: float
    by: str
    note: str
    is_everything: bool


@dataclass(frozen=True, slots=True)
class Known:
    """All of it. *address* is empty for a person who was erased."""

    address: str = field(repr=False)
    history: History
    events: Sequence[Event] = ()
    outcomes: Sequence[Outcome] = ()
    taken_back: Sequence[TakenBack] = ()

    @property
    def is_anything(self) -> bool:
        """Tell whether anything is known at all."""
        return bool(self.events or self.outcomes or self.history.unblocked)

    @property
    def is_asked_for(self) -> bool:
        """Tell whether Tencent was asked to block the address; a dry run asks for nobody."""
        return bool(self.history.applied or self.history.asked)

    @property
    def counting(self) -> Sequence[Event]:
        """The events that a block can come from, oldest first."""
        history = self.history
        return [
            event
            for event in self.events
            if not event.is_ignored
            and event.fact.key not in history.held | history.disowned
            and event.fact.at > history.last_unblock
        ]

    @property
    def last(self) -> Outcome | None:
        """What was done last."""
        return max(self.outcomes, key=lambda outcome: outcome.at, default=None)

    def blocked_by(self, origin: str, terms: Terms) -> bool:
        """Tell whether an event from *origin* is among what blocks the address."""
        return self.history.blocked_until(terms) is not None and any(
            event.origin == origin for event in self.counting
        )

    def standing(self, event: Event) -> str:
        """Say in a word what became of *event*."""
        history = self.history
        if event.fact.key in history.disowned:
            return "disowned"
        if event.fact.key in history.held:
            return "held"
        if event.is_ignored:
            return "ignored"
        return "taken back" if event.fact.at <= history.last_unblock else "counts"


def told_until(until: date | None) -> str:
    """Say until when somebody is blocked."""
    if until is None:
        return "not blocked"
    return "for good" if until == FOR_GOOD else f"until {until}"
