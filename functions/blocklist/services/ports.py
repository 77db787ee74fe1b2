"""What the use cases need from outside, in our words, with the failures each may raise."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from typing import Protocol

from functions.blocklist.domain.dead_letters import DeadLetter
from functions.blocklist.domain.errors import RetryLaterError
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Ruling


@dataclass(frozen=True, slots=True)
class Reported:
    """
    One event of a callback, as it arrived: *name* is what it is counted under.

    Malformed ones have no *kind*.
    """

    raw: bytes = field(repr=False)
    name: str
    kind: EventKind | None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the blocklist said about one request that it took.

    *counts* is None when the answer held none. The counts never name an address.
    """

    request_id: str
    counts: "Counts | None" = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients of one request were new, there already, and refused; and of how many."""

    added: int
    repeated: int
    refused: int
    total: int

    def add_up_to(self, size: int) -> bool:
        """Tell whether every one of *size* recipients is counted once."""
        return self.added + self.repeated + self.refused == self.total == size


class Blocklist(Protocol):
    """A remote list of addresses that must not be written to."""

    @property
    def max_recipients(self) -> int:
        """How many recipients one request may hold."""

    def shrink(self, refused_size: int) -> None:
        """Remember that a request of *refused_size* recipients was too many."""

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        """
        Block *recipients* until a day, or for good. Blocking one twice is harmless.

        Returns or raises within *timeout_seconds*, whatever the other side does.

        Raises:
            BlocklistError: one of its subclasses, by what to do next.
        """

    def remove(self, recipients: Sequence[str], *, timeout_seconds: float) -> Answer:
        """
        Take *recipients* off the list; one that is not on it is no mistake. Otherwise as `add`.

        Raises:
            BlocklistError: one of its subclasses, by what to do next.
        """


class Pacer(Protocol):
    """Spaces the starts of requests."""

    def wait(self, *, before: float) -> bool:
        """Wait for the next start; False, at once, when it would not come *before* (monotonic)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One decision to keep: the *fact* that it leaves, and what an operator may ask about it."""

    fact: Fact
    event: DeliveryEvent
    ruling: Ruling
    from_operator: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """
    What is to be known of an address from now on, provided that it still stands as it was *seen*.

    *applied* and *asked* as in `History`; *held* are the keys of facts that wait for a person.
    *outcome* says in a word what was done, *until* for how long, *request_id* by which request.
    """

    seen: History
    applied: date | None = None
    asked: date | None = None
    held: frozenset[str] = frozenset()
    outcome: str = ""
    until: date | None = None
    request_id: str = ""


class Ledger(Protocol):
    """What was decided about each address, and what came of it."""

    def record(
        self, records: Mapping[str, Sequence[Record]], *, before: float
    ) -> Mapping[str, History | RetryLaterError]:
        """
        Add the facts of each recipient, each once, and give its whole history.

        A recipient whose facts could not be added before *before* (monotonic seconds) gets the
        error instead. A record from an operator frees its fact if that was held.
        """

    def change(
        self, changes: Mapping[str, Change], *, before: float
    ) -> Mapping[str, History | RetryLaterError]:
        """
        Write *changes*; give only the recipients whose change was not written.

        Each with its newer history, where somebody else came first, or with the error.
        """


@dataclass(frozen=True, slots=True)
class Braked:
    """Whom the brake does not let through: *held* for a person, *uncounted* by their errors."""

    held: Collection[str] = ()
    uncounted: Mapping[str, RetryLaterError] = field(default_factory=dict)


class Brake(Protocol):
    """What keeps a mistake from blocking a great many people at once."""

    def hold(self, mails: Mapping[str, str], *, before: float, undo_before: float) -> Braked:
        """
        Count new blocks, given as recipient and the mail that led to each; tell whom not to block.

        Counts before *before* (monotonic seconds); what is then not to stay counted is taken off
        before *undo_before*. Whoever could not be counted may not be blocked either.
        """

    def give_back(self, recipients: Collection[str], *, before: float) -> None:
        """
        Take off the count those of *recipients* that were let through and not blocked after all.

        Else whatever keeps coming back while Tencent does not answer would be counted each time.
        """


class DeadLetters(Protocol):
    """Where messages rest that can never succeed."""

    def put(self, letters: Sequence[DeadLetter], *, before: float) -> Mapping[int, str]:
        """
        Send *letters*, giving up at *before* (monotonic seconds).

        Returns the positions of those that could not be sent, each with a code that says why.
        """


class EventQueue(Protocol):
    """The queue between the two Lambdas, seen from the door."""

    def put(self, events: Sequence[str], *, before: float) -> Mapping[int, str]:
        """Send *events*, one message each; as `DeadLetters.put`."""


class Forwarding(Protocol):
    """Whoever else wants to hear what was posted to the door."""

    def publish(self, body: bytes, *, before: float) -> str | None:
        """
        Pass *body* on unchanged, within a small time of its own and giving up at *before*.

        Returns a code that says why it was not passed on, if it was not.
        """


class Redelivery(Protocol):
    """The queue between the two Lambdas, seen from its reader."""

    def postpone(self, waits: Sequence[tuple[str, int]], *, before: float) -> None:
        """
        Hide messages, given as receipt handle and whole seconds, giving up at *before*.

        Best effort: a message whose wait cannot be set comes back after the queue's own.
        """


class TokenMatch(Enum):
    """What a caller's token is worth."""

    CURRENT = auto()
    PREVIOUS = auto()
    NONE = auto()


class CallbackTokens(Protocol):
    """The secrets that tell Tencent's callbacks from anybody else's requests."""

    def match(self, candidate: bytes) -> TokenMatch:
        """
        Compare in constant time with every accepted token.

        Raises:
            UnavailableError: no list of tokens could ever be read.
            ConfigurationError: as above, and it takes an operator.
        """
