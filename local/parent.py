"""
End with whoever started us.

`make`, killed outright, takes nobody with it: what its recipe started would go on alone. It works
for a recipe that is one plain command, since nothing then stands between `make` and us.
"""

import os
import signal
import threading
import time
from functools import cache

_POLL_SECONDS = 0.5


@cache
def end_with_parent() -> None:
    """From now on, end this process as SIGTERM does once its parent is gone."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
