"""
Runs one command in a temporary folder and takes both away again, however its owner ends.

Started as a script by the owner, who alone holds the writing end of its standard input. That end
closes when the owner asks for it, and also when the owner is killed without a chance to ask: then
the command's whole process group is ended and the folder removed.

    guard.py '{"command": ["..."], "environment": {"TMPDIR": "{folder}"}}'

``{folder}`` stands for the temporary folder, in which the command starts and its output is kept as
``log``. Standard output tells the owner first the folder and the process group, one line of JSON,
then ``exited`` and the status, should the command end by itself.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

#: How long the group may take to end by itself. Nothing in it is worth more: it is all thrown away.
GRACE_SECONDS = 2.0
#: How long the kernel may take to end what was killed.
_KILLED_SECONDS = 5.0
_POLL_SECONDS = 0.05

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(order: str) -> None:
    """Run what *order* says until the owner is gone or asks for the end."""
    _on_signals(_leave)
    wanted = json.loads(order)
    folder = Path(tempfile.mkdtemp(prefix="ses-blocklist-"))
    try:
        process = _start(wanted["command"], wanted["environment"], folder)
        try:
            _watch(process, folder)
        finally:
            _on_signals(signal.SIG_IGN)  # from here to the end nothing may come between
            _end_group(process)
    finally:
        _on_signals(signal.SIG_IGN)
        shutil.rmtree(folder, ignore_errors=True)


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - the owner's own command
            command,
            cwd=folder,
            env={key: value.replace("{folder}", str(folder)) for key, value in environment.items()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )


def _watch(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Return when the owner closed its end. The folder stays till then: the owner reads the log."""
    _tell(json.dumps({"folder": str(folder), "group": process.pid}))
    while not _owner_left(_POLL_SECONDS):
        if process.poll() is not None:
            _tell(f"exited {process.returncode}")
            break
    while not _owner_left(None):
        pass


def _owner_left(seconds: float | None) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1024)


def _tell(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # the owner died: its end of our input says so too
        os.write(sys.stdout.fileno(), line.encode() + b"\n")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End *process* and all it started. They are in its group unless they left it on purpose."""
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, _KILLED_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if _group_ends(process, within_seconds=seconds):
            return


def _group_ends(process: subprocess.Popen[bytes], *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        process.poll()  # a process nobody has collected still counts as one of its group
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(_POLL_SECONDS)
    return False


if __name__ == "__main__":
    main(sys.argv[1])
