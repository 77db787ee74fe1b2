"""The owner's side of `local/guard.py`: a command that does not outlive us."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
#: More than the guard ever needs to end the command.
_STOP_SECONDS = 30.0
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class GuardedCommand:
    """A running command: its temporary *folder*, and its process *group*."""

    folder: Path
    group: int
    _news: int

    def exits(self, *, within_seconds: float) -> bool:
        """Wait so long; True as soon as the command ended by itself."""
        readable, _, _ = select.select([self._news], [], [], within_seconds)
        return bool(readable)

    def log_tail(self) -> str:
        """Return the last lines of what the command wrote."""
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-_LOG_LINES:])


@contextmanager
def run_guarded(
    command: Sequence[str], *, environment: Mapping[str, str]
) -> Iterator[GuardedCommand]:
    """
    Run *command* with nothing but *environment*, where ``{folder}`` is its temporary folder.

    The command, all it started and the folder are gone afterwards, or some two seconds after this
    process was killed.
    """
    order = json.dumps({"command": list(command), "environment": dict(environment)})
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-I", str(_GUARD), order],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # what ends our terminal's processes leaves it to do its work
    ) as guard:
        try:
            yield _started(guard)
        finally:
            _end(guard)


def _started(guard: subprocess.Popen[bytes]) -> GuardedCommand:
    """Read what the guard says first, byte by byte: `exits` looks at the pipe, not at a buffer."""
    if guard.stdout is None:
        raise AssertionError("the guard's output is a pipe")
    news = guard.stdout.fileno()
    line = b"".join(iter(lambda: os.read(news, 1).rstrip(b"\n"), b""))
    told = json.loads(line)
    return GuardedCommand(folder=Path(told["folder"]), group=told["group"], _news=news)


def _end(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    guard.wait(timeout=_STOP_SECONDS)
