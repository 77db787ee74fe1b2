"""The demo as a user runs it, and as a user kills it."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.local.processes import descendants, parents
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

GUARD_EMULATOR_AND_TWO_FUNCTIONS = 4
ROOT = Path(__file__).parent.parent.parent.parent


def start_demo(**environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.demo"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", "PYTHONUNBUFFERED": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_demo_accounts_for_everything() -> None:
    with start_demo() as demo:
        output, _ = demo.communicate(timeout=180)

    assert demo.returncode == 0, output
    assert "does not hold" not in output
    for words in ("example@example.com", "RefusedAddress", "Everything is accounted for."):
        assert words in output


def test_kept_demo_says_at_once_how_to_go_on_and_it_does() -> None:
    """Whoever keeps it in the background reads that from a file, which says nothing more."""
    with start_demo(KEEP="1") as demo:
        assert demo.stdout
        patience = threading.Timer(90, demo.kill)
        patience.start()
        said = list(itertools.takewhile(lambda line: "Ctrl-C ends" not in line, demo.stdout))
        patience.cancel()

        lines = [line for line in said if line.startswith("  ") and "curl" not in line]
        script = "".join(lines[next(n for n, line in enumerate(lines) if "export" in line) :])
        ran = subprocess.run(  # noqa: S603 - what is printed for people to run
            ["/bin/sh", "-e", "-c", script + ".venv/bin/ses-blocklist init new"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

        os.killpg(demo.pid, signal.SIGTERM)
        demo.communicate(timeout=60)

    assert "Stage local: blocking" in ran.stdout, ran.stderr
    assert "Tencent accepts the key" in ran.stdout, ran.stderr  # ours, and not the real one


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_killed_demo_leaves_no_process_behind(end: signal.Signals) -> None:
    with start_demo() as demo:
        assert demo.stdout
        for line in demo.stdout:
            if "starting the poller" in line:
                break
        wait_until(lambda: len({*descendants(demo.pid)}) >= GUARD_EMULATOR_AND_TWO_FUNCTIONS)
        started = {demo.pid, *descendants(demo.pid)}

        os.killpg(demo.pid, end)
        demo.communicate(timeout=60)

    wait_until(lambda: not started & set(parents()))
