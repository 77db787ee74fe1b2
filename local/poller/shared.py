"""What the parts of one poller have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from local.poller.counters import Counters


@dataclass(frozen=True, slots=True)
class Shared:
    """
    The counters, and time: *clock* is monotonic.

    *pause* waits so many seconds, or until the poller is to stop; True says that it is.
    """

    counters: Counters
    clock: Callable[[], float]
    pause: Callable[[float], bool]

    def is_stopping(self) -> bool:
        """Tell without waiting."""
        return self.pause(0)
