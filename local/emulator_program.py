"""
The emulator as a program, with two of its habits changed. Runs in the emulator's own environment.

It takes a function's log for complete as soon as no line has come for 5 ms. On a busy machine more
lines come after that, and stand in the log of whatever that process does next, or nowhere. All of
them were written before the function answered; so here they are waited for.

With `--without-trigger` no queue is polled for a function, of which there is no setting.
"""

import array
import fcntl
import os
import select
import sys
import termios
import threading
import time
from contextlib import suppress
from typing import Any

from ministack.app import main
from ministack.core.lambda_runtime import Worker
from ministack.services import lambda_svc

_CHUNK_BYTES = 64 * 1024
#: So long a process that is alive and never silent is listened to after its answer.
_PATIENCE_SECONDS = 5.0

#: Held while lines are neither in a pipe any more nor in a worker's queue yet.
_moving = threading.Lock()


def _read_stderr(self: Any) -> None:  # noqa: ANN401 - the emulator's `Worker`, without types
    """Move what the function's process writes from its pipe to the queue, line by line."""
    pipe, lines, rest = self._proc.stderr, self._stderr_queue, b""
    with suppress(OSError, ValueError):  # the pipe is closed
        while select.select([pipe], [], []):
            with _moving:
                chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    lines.put(line.decode(errors="replace"))
    if rest:
        lines.put(rest.decode(errors="replace"))


def _all_lines(self: Any) -> str:  # noqa: ANN401
    """Give all that the function's process wrote until it answered, or died."""
    end = time.monotonic() + _PATIENCE_SECONDS
    if self._proc is None:
        self._stderr_thread.join(_PATIENCE_SECONDS)
    while self._proc and _has_unread(self._proc.stderr) and time.monotonic() < end:
        time.sleep(0.001)
    lines: str = self._drain_stderr()
    return lines


def _has_unread(pipe: Any) -> bool:  # noqa: ANN401 - a pipe
    count = array.array("i", [0])
    with _moving, suppress(OSError, ValueError):
        fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return bool(count[0])


for _name in ("_read_stderr", "_drain_stderr_bounded", "_drain_stderr"):
    assert callable(getattr(Worker, _name))  # noqa: S101 - another version of the emulator
Worker._read_stderr = _read_stderr  # noqa: SLF001 - there is no setting
Worker._drain_stderr_bounded = _all_lines  # noqa: SLF001
if "--without-trigger" in sys.argv[1:]:
    assert callable(lambda_svc._poll_sqs)  # noqa: S101, SLF001
    lambda_svc._poll_sqs = lambda: False  # noqa: SLF001
sys.argv[1:] = []

main()
