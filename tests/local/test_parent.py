"""A process that does not outlive its parent."""

import os
import subprocess
import sys
from pathlib import Path

from tests.local.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import os, time
from local.parent import end_with_parent
end_with_parent()
print(os.getpid(), flush=True)
time.sleep(600)
"""

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def test_process_ends_when_its_parent_is_killed() -> None:
    """As `make`, killed outright, ends nothing that its recipe started."""
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", PARENT, CHILD], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        parent.kill()

        wait_until(lambda: _is_gone(child))


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
