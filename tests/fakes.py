"""Stand-ins for our ports, and builders of what tests need much of."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.errors import BlocklistError, RetryLaterError
from functions.blocklist.domain.events import DeliveryEvent
from functions.blocklist.domain.history import History
from functions.blocklist.services.block_recipients import TimeLimits
from functions.blocklist.services.ports import Answer, Braked, Change, Counts, Record, TokenMatch

#: Monotonic times of an invocation that began at 0, far enough apart to be told apart.
LIMITS = TimeLimits(
    record_before=5,
    count_before=8,
    prepare_before=9,
    last_start=10,
    settle_before=15,
    end=20,
    request_seconds=5,
)


class FakeClock:
    """A monotonic clock that moves only when told to, or slept on."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class FakeMessage:
    """A message from the queue, of which everything is known already."""

    queue_message_id: str
    receipt_handle: str
    receive_count: int
    body: bytes
    events: Sequence[DeliveryEvent | ErrorCode]
    from_operator: bool = False
    sent_at: float = 0.0


@dataclass
class FakeBlocklist:
    """
    A blocklist that counts as Tencent's does.

    *bad* recipients are counted as refused; *script* may raise or answer instead, by the request.
    """

    max_recipients: int = 1000
    bad: frozenset[str] = frozenset()
    script: Callable[[Sequence[str]], Answer | None] = lambda _: None
    blocked: set[str] = field(default_factory=set)
    requests: list[tuple[str, ...]] = field(default_factory=list)
    terms: list[date | None] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)

    removals: list[tuple[str, ...]] = field(default_factory=list)
    on_remove: Callable[[Sequence[str]], None] = lambda _: None

    def shrink(self, refused_size: int) -> None:
        self.max_recipients = max(1, min(self.max_recipients, refused_size // 2))

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        self.requests.append(tuple(recipients))
        self.terms.append(until)
        self.timeouts.append(timeout_seconds)
        request_id = f"request-{len(self.requests)}"
        scripted = self.script(recipients)
        if scripted:
            return scripted
        good = set(recipients) - self.bad
        new = good - self.blocked
        self.blocked |= new
        return Answer(
            request_id,
            Counts(
                added=len(new),
                repeated=len(good) - len(new),
                refused=len(set(recipients) & self.bad),
                total=len(recipients),
            ),
        )

    def remove(self, recipients: Sequence[str], *, timeout_seconds: float) -> Answer:
        self.removals.append(tuple(recipients))
        self.timeouts.append(timeout_seconds)
        self.on_remove(recipients)
        self.blocked -= set(recipients)
        return Answer(f"removal-{len(self.removals)}")


class FakePacer:
    """Lets *starts* requests start, then none; remembers the *last_starts* it was asked for."""

    def __init__(self, starts: float = float("inf")) -> None:
        self.starts = starts
        self.last_starts: set[float] = set()

    def wait(self, *, before: float) -> bool:
        self.last_starts.add(before)
        self.starts -= 1
        return self.starts >= 0


@dataclass
class FakeDeadLetters:
    """Keeps letters, but for those at the positions that are to *fail*."""

    fail: frozenset[int] = frozenset()
    kept: list[DeadLetter] = field(default_factory=list)
    ends: set[float] = field(default_factory=set)

    def put(self, letters: Sequence[DeadLetter], *, before: float) -> dict[int, str]:
        self.ends.add(before)
        failed = self.fail & set(range(len(letters)))
        self.kept += [letter for index, letter in enumerate(letters) if index not in failed]
        return dict.fromkeys(failed, "Down")


@dataclass
class FakeEventQueue:
    """Keeps events, but for those at the positions that are to *fail*."""

    fail: frozenset[int] = frozenset()
    kept: list[str] = field(default_factory=list)

    def put(self, events: Sequence[str], *, before: float) -> dict[int, str]:
        del before
        failed = self.fail & set(range(len(events)))
        self.kept += [event for index, event in enumerate(events) if index not in failed]
        return dict.fromkeys(failed, "Down")


@dataclass
class FakeForwarding:
    """Keeps what was passed on, or says why not."""

    failure: str | None = None
    published: list[bytes] = field(default_factory=list)
    ends: set[float] = field(default_factory=set)

    def publish(self, body: bytes, *, before: float) -> str | None:
        self.ends.add(before)
        if not self.failure:
            self.published.append(body)
        return self.failure


@dataclass
class FakeRedelivery:
    """Remembers what was handed back, and for how long."""

    waits: list[tuple[str, int]] = field(default_factory=list)
    ends: set[float] = field(default_factory=set)

    def postpone(self, waits: Sequence[tuple[str, int]], *, before: float) -> None:
        self.ends.add(before)
        self.waits += waits


@dataclass
class FakeTokens:
    """Accepts two tokens, or raises *error*."""

    current: bytes = b"current-token-0123456789"
    previous: bytes = b"previous-token-0123456789"
    error: BlocklistError | None = None

    def match(self, candidate: bytes) -> TokenMatch:
        if self.error:
            raise self.error
        return {self.current: TokenMatch.CURRENT, self.previous: TokenMatch.PREVIOUS}.get(
            candidate, TokenMatch.NONE
        )


@dataclass
class FakeLedger:
    """
    Keeps histories as the real one does.

    *fail* holds the error to give for a recipient; *meanwhile* is called before each change, as
    somebody else might change something then.
    """

    histories: dict[str, History] = field(default_factory=dict)
    fail: dict[str, RetryLaterError] = field(default_factory=dict)
    fail_changes: dict[str, RetryLaterError] = field(default_factory=dict)
    meanwhile: Callable[[str], None] = lambda _: None
    records: list[tuple[str, Record]] = field(default_factory=list)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    ends: set[float] = field(default_factory=set)
    change_ends: list[float] = field(default_factory=list)

    def record(
        self, records: Mapping[str, Sequence[Record]], *, before: float
    ) -> dict[str, History | RetryLaterError]:
        self.ends.add(before)
        return {
            name: self.fail.get(name) or self._record(name, own) for name, own in records.items()
        }

    def _record(self, recipient: str, records: Sequence[Record]) -> History:
        self.records += [(recipient, record) for record in records]
        history = self.histories.get(recipient, History())
        facts = {fact.key: fact for fact in history.facts}
        for record in records:
            facts.setdefault(record.fact.key, record.fact)
        freed = {record.fact.key for record in records if record.from_operator}
        self.histories[recipient] = replace(
            history, facts=tuple(facts.values()), held=history.held - freed
        )
        return self.histories[recipient]

    def change(
        self, changes: Mapping[str, Change], *, before: float
    ) -> dict[str, History | RetryLaterError]:
        self.ends.add(before)
        self.change_ends.append(before)
        answers = {name: self._change(name, own) for name, own in changes.items()}
        return {name: answer for name, answer in answers.items() if answer is not None}

    def _change(self, recipient: str, change: Change) -> History | RetryLaterError | None:
        self.meanwhile(recipient)
        if recipient in self.fail_changes:
            return self.fail_changes[recipient]
        now, seen = self.histories[recipient], change.seen
        if replace(now, facts=()) != replace(seen, facts=()):
            return now
        self.changes.append((recipient, change))
        self.histories[recipient] = replace(
            now,
            applied=change.applied,
            asked=change.asked,
            held=now.held | change.held,
            changes=now.changes + 1,
        )
        return None

    def unblock(self, recipient: str, *, at: float) -> None:
        history = self.histories.get(recipient, History())
        self.histories[recipient] = replace(
            history, unblocked=history.unblocked | {at}, applied=None, asked=None
        )

    def disown(self, recipient: str, keys: Collection[str]) -> None:
        history = self.histories.get(recipient, History())
        self.histories[recipient] = replace(history, disowned=history.disowned | set(keys))


@dataclass
class FakeBrake:
    """Lets *room* new blocks through, and cannot count those that have *errors*."""

    room: float = float("inf")
    errors: dict[str, RetryLaterError] = field(default_factory=dict)
    counted: list[dict[str, str]] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    ends: set[tuple[float, float]] = field(default_factory=set)

    def hold(self, mails: Mapping[str, str], *, before: float, undo_before: float) -> Braked:
        self.ends.add((before, undo_before))
        counted = {name: mail for name, mail in mails.items() if name not in self.errors}
        if counted:
            self.counted.append(counted)
        number = int(min(len(counted), self.room))
        self.room -= number
        self.passed |= set(list(counted)[:number])
        uncounted = {name: self.errors[name] for name in mails if name in self.errors}
        return Braked(list(counted)[number:], uncounted)

    def give_back(self, recipients: Collection[str], *, before: float) -> None:
        del before
        given_back = self.passed & set(recipients)
        self.passed -= given_back
        self.room += len(given_back)
