"""The ledger as one sandbox reaches it: slow, refusing, and losing answers."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from functions.blocklist.domain.errors import RetryLaterError, UnavailableError
from functions.blocklist.domain.history import History
from functions.blocklist.services.ports import Change, Record
from tests.fakes import FakeLedger
from tests.model.clock import SandboxClock

T = TypeVar("T")

CALL_SECONDS = 0.01


class LedgerFault(Enum):
    """What goes wrong with one update."""

    NONE = auto()
    REFUSED = auto()  # nothing happened
    LOST = auto()  # it happened, and nobody is told


class LedgerClient:
    """One sandbox's way to *world*, the ledger that all of them share."""

    def __init__(self, world: FakeLedger, clock: SandboxClock) -> None:
        self.script: list[LedgerFault] = []
        self._world = world
        self._clock = clock

    def record(
        self, records: Mapping[str, Sequence[Record]], *, before: float
    ) -> dict[str, History | RetryLaterError]:
        def record(name: str) -> History | RetryLaterError:
            return self._world.record({name: records[name]}, before=before)[name]

        return {name: self._call(partial(record, name), before) for name in records}

    def change(
        self, changes: Mapping[str, Change], *, before: float
    ) -> dict[str, History | RetryLaterError]:
        def change(name: str) -> History | RetryLaterError | None:
            return self._world.change({name: changes[name]}, before=before).get(name)

        answers = {name: self._call(partial(change, name), before) for name in changes}
        return {name: answer for name, answer in answers.items() if answer is not None}

    def _call(self, update: Callable[[], T], before: float) -> T | RetryLaterError:
        if self._clock.now >= before:
            return UnavailableError("NoTimeLeft")
        fault = self.script.pop(0) if self.script else LedgerFault.NONE
        self._clock.sleep(CALL_SECONDS)  # it may be killed before the update
        if fault is LedgerFault.REFUSED:
            return UnavailableError("ThrottlingException")
        answer = update()
        self._clock.point()  # or after it
        return UnavailableError("ConnectionClosedError") if fault is LedgerFault.LOST else answer
