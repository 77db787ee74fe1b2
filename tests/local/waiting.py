"""Wait for what has to happen, never for a time."""

import time
from collections.abc import Callable

_LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as *condition* holds; fail if that is not within half a minute."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_POLL_SECONDS)
