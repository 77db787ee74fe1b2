"""Messages, and a poller's surroundings without threads or waiting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local.poller.counters import Counters
from local.poller.records import Received, serialise
from local.poller.shared import Shared


def make_received(
    message_id: str = "m-1", *, received_at: float = 0.0, size_bytes: int | None = None
) -> Received:
    """Return a message, whose record is padded to *size_bytes* when serialised."""
    record = {"messageId": message_id, "body": ""}
    if size_bytes is not None:
        record["body"] = "x" * (size_bytes - len(serialise(record)))
    return Received(
        message_id=message_id,
        receipt_handle=f"handle of {message_id}",
        record=record,
        size_bytes=len(serialise(record)),
        received_at=received_at,
    )


@dataclass
class FakeTime:
    """A clock that only waiting moves; *stops_at* is when the poller is told to stop."""

    now: float = 0.0
    stops_at: float = float("inf")
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        if seconds:
            self.pauses.append(seconds)
        self.now += seconds
        return self.now >= self.stops_at

    def share(self) -> Shared:
        return Shared(Counters(), clock=self.clock, pause=self.pause)


@dataclass
class FakeInbox:
    """A queue in which each of *arrivals*, a time and a message id, appears at its time."""

    time: FakeTime
    arrivals: list[tuple[float, str]] = field(default_factory=list)
    size_bytes: int | None = None
    #: Called first at each receive; what it raises comes out of it.
    disturb: Callable[[], None] = lambda: None
    receives: list[tuple[int, int]] = field(default_factory=list)

    def receive(self, *, max_messages: int, wait_seconds: int) -> list[Received]:
        self.receives.append((max_messages, wait_seconds))
        self.disturb()
        first = min((at for at, _ in self.arrivals), default=float("inf"))
        self.time.now = max(self.time.now, min(first, self.time.now + wait_seconds))
        here = [arrival for arrival in self.arrivals if arrival[0] <= self.time.now][:max_messages]
        self.arrivals = [arrival for arrival in self.arrivals if arrival not in here]
        return [
            make_received(name, received_at=self.time.now, size_bytes=self.size_bytes)
            for _, name in here
        ]


@dataclass
class FakeOutbox:
    """Deletes all but those with the ids *undeletable*."""

    undeletable: frozenset[str] = frozenset()
    deleted: list[str] = field(default_factory=list)

    def delete(self, messages: Sequence[Received]) -> list[Received]:
        self.deleted += [m.message_id for m in messages if m.message_id not in self.undeletable]
        return [m for m in messages if m.message_id in self.undeletable]
