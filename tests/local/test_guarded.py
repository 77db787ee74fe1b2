"""The guard with commands of our own; with the emulator in test_emulator.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.guarded import GuardedCommand, run_guarded
from tests.local.waiting import wait_until

ENVIRONMENT = {"PATH": os.defpath, "PLACE": "{folder}/place"}

#: Leaves a child behind that, as itself, does not heed SIGTERM; says when both are there.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    open("child", "w").close()
time.sleep(600)
"""

#: Runs what it is given under guard, tells about it, and waits to be killed.
OWNER = """
import os, sys, time
from local.guarded import run_guarded
with run_guarded([sys.executable, "-c", sys.argv[1]], environment={"PATH": os.defpath}) as command:
    while not (command.folder / "child").exists():
        time.sleep(0.01)
    print(command.group, command.folder, flush=True)
    time.sleep(600)
"""

ROOT = Path(__file__).resolve().parents[2]


def is_gone(group: int) -> bool:
    """Whether no process of *group* is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def run(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_command_sees_only_the_environment_it_is_given() -> None:
    with run_guarded(
        run("import os; print(*os.environ); print(os.environ['PLACE'])"),
        environment=ENVIRONMENT,
    ) as command:
        wait_until(lambda: command.exits(within_seconds=0))
        variables, place = command.log_tail().splitlines()

        assert set(variables.split()) - {"LC_CTYPE"} == set(ENVIRONMENT)  # Python adds the locale
        assert place == f"{command.folder}/place"


def test_early_end_is_noticed() -> None:
    with run_guarded(run("print('why'); raise SystemExit(3)"), environment=ENVIRONMENT) as command:
        wait_until(lambda: command.exits(within_seconds=1))

        assert command.log_tail() == "why"


def test_running_command_does_not_look_ended() -> None:
    with run_guarded(run("import time; time.sleep(600)"), environment=ENVIRONMENT) as command:
        assert not command.exits(within_seconds=0)


def test_group_and_folder_are_gone_after_an_error() -> None:
    def fail(command: GuardedCommand) -> None:
        commands.append(command)
        raise ZeroDivisionError

    commands: list[GuardedCommand] = []
    with (
        pytest.raises(ZeroDivisionError),
        run_guarded(run("import time; time.sleep(600)"), environment=ENVIRONMENT) as command,
    ):
        fail(command)

    assert is_gone(commands[0].group)
    assert not commands[0].folder.exists()


def test_what_a_finished_command_left_running_is_ended_too() -> None:
    code = "import os, time\nif os.fork() == 0: time.sleep(600)"
    with run_guarded(run(code), environment=ENVIRONMENT) as command:
        wait_until(lambda: command.exits(within_seconds=1))

    assert is_gone(command.group)


def test_group_and_folder_are_gone_after_the_owner_was_killed() -> None:
    """With all its own group, and also what does not listen to SIGTERM."""
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", OWNER, STUBBORN],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as owner:
        assert owner.stdout is not None
        group, folder = owner.stdout.readline().split()
        assert not is_gone(int(group))

        os.killpg(owner.pid, signal.SIGKILL)

        wait_until(lambda: is_gone(int(group)) and not Path(folder).exists())


def test_guard_itself_cleans_up_when_it_is_asked_to_end() -> None:
    with subprocess.Popen(  # noqa: S603 - our own code
        [
            sys.executable,
            str(ROOT / "local" / "guard.py"),
            '{"command": ["sleep", "600"], "environment": {}}',
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as guard:
        assert guard.stdout is not None
        told = guard.stdout.readline()

        guard.terminate()

        assert guard.wait() == 0
        assert not Path(told.split('"')[3]).exists()
