"""Requests evenly spaced, on a clock that only goes forwards."""

import time
from collections.abc import Callable


class IntervalPacer:
    """
    Lets one request start every *interval_seconds*, without bursts after a pause.

    Spacing starts and not ends keeps any second at or below the rate, however long an answer takes.
    *clock* is monotonic: a wall clock that is set back would hold everything up.
    """

    def __init__(
        self,
        interval_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._sleep = sleep
        self._next_start = float("-inf")

    def wait(self, *, before: float) -> bool:
        """Wait for the next start; False, at once, when it would not come *before* (monotonic)."""
        now = self._clock()
        if max(now, self._next_start) >= before:
            return False
        if self._next_start > now:
            self._sleep(self._next_start - now)
            now = self._clock()
        self._next_start = now + self._interval_seconds
        return now < before  # a sandbox may be frozen in its sleep
