"""Stand-ins for our ports, and builders of what tests need much of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from functions.blocklist.domain.dead_letters import DeadLetter
from functions.blocklist.domain.errors import BlocklistError
from functions.blocklist.services.ports import Answer, Counts, TokenMatch


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
