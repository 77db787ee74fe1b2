"""The command line as a whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli import bootstrap
from cli.errors import (
    AttentionError,
    CliError,
    MendFirstError,
    TryAgainError,
    WrongInputError,
)
from tests.cli.running import REPOSITORY, commands, run

#: Where each command is stopped: the test here, or beside what it remembers.
STOPPED = {
    "classify": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "audit": "test_audit.py: test_stopped_audit_goes_on_with_the_day_it_was_at",
    "rescue": "test_audit.py: test_killed_rescue_goes_on_where_it_was",
    "init": "test_stopped.py: test_init_stopped_between_two_secrets_keeps_what_is_stored",
    "callback-url": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "drop-token": "test_stopped.py: test_drop_token_stopped_after_it_was_is_done",
    "doctor": "test_stopped.py: test_doctor_stopped_while_its_address_is_blocked_takes_it_off",
    "status": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "watch": "test_status.py: test_watch_looks_again_and_again_until_ctrl_c",
    "pause": "test_stopped.py: test_switch_that_was_turned_stays_so",
    "resume": "test_stopped.py: test_switch_that_was_turned_stays_so",
    "block": "test_stopped.py: test_block_of_many_stopped_half_way_queues_everybody",
    "import": "test_block.py: test_killed_import_goes_on_and_queues_everybody",
    "adopt": "test_adopt.py: test_killed_run_goes_on_and_adopts_everybody",
    "why": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "unblock": "test_unblock.py: test_killed_run_goes_on_by_the_same_moment",
    "undo": "test_undo.py: test_killed_run_goes_on_and_frees_everybody",
    "report": "test_stopped.py: test_whoever_only_reads_leaves_nothing_behind",
    "verify": "test_stopped.py: test_verify_stopped_between_two_people_changes_nothing",
    "export": "test_stopped.py: test_whoever_only_reads_leaves_nothing_behind",
    "erase": "test_stopped.py: test_erase_stopped_half_way_is_ended_by_the_same_command",
    "dead-letters list": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "dead-letters show": "test_stopped.py: test_whoever_only_looks_sees_the_same_again",
    "dead-letters redrive": "test_dead_letters.py: test_redrive_that_is_killed_loses_nobody",
    "dead-letters release": (
        "test_stopped.py: test_dead_letters_stopped_half_way_are_all_done_in_the_end"
    ),
    "dead-letters drop": (
        "test_stopped.py: test_dead_letters_stopped_half_way_are_all_done_in_the_end"
    ),
}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AttentionError, 1),
        (WrongInputError, 2),
        (TryAgainError, 3),
        (MendFirstError, 4),
    ],
)
def test_each_kind_of_end_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: type[CliError], code: int
) -> None:
    """Scripts rely on the numbers; people read the problem first, and what to do below it."""

    def fail() -> None:
        raise error("It is broken.", "Mend it.")

    monkeypatch.setattr(bootstrap, "judge", fail)

    ran = run("classify", "text")

    assert (ran.code, ran.out, ran.err) == (code, "", "It is broken.\nMend it.\n")


def test_stopping_is_told_apart_from_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "judge", interrupt)

    assert run("classify", "text").code == 130


def test_installed_command_works_from_any_folder(tmp_path: Path) -> None:
    """A file of that folder must not pass for one of ours."""
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("raise SystemExit('not this one')")

    ran = subprocess.run(  # noqa: S603 - our own program
        [REPOSITORY / ".venv" / "bin" / "ses-blocklist", "classify", "550 5.1.1 user unknown"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.splitlines()[-1] == "decision  block"


def test_help_and_completion_wait_for_no_vendor() -> None:
    """A shell asks at each Tab, and boto3 alone takes longer than a person waits."""
    code = "import sys, cli.app; print({'boto3', 'botocore', 'tencentcloud'} & sys.modules.keys())"

    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert ran.stdout == "set()\n"


def test_unknown_command_suggests_the_one_that_was_meant() -> None:
    ran = run("clasify")

    assert "classify" in ran.err
    assert ran.code == 2


@pytest.mark.parametrize(
    "command", [("status", "--stage", "Bad Stage"), ("audit", "--stage", "B"), ("init", "x y")]
)
def test_name_that_no_stage_can_have_is_refused_before_anything_is_asked(
    command: tuple[str, ...],
) -> None:
    """Else somebody is told to `make deploy STAGE=Bad Stage`."""
    ran = run(*command)

    assert "small letters, digits and hyphens" in re.sub(r"[│\s]+", " ", ran.err)
    assert ran.code == 2


def test_half_a_key_is_told_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKID")

    ran = run("audit")

    assert "There is only half a Tencent key." in ran.err
    assert ran.code == 4


def test_every_command_is_stopped_once() -> None:
    """A command that is new is stopped by the first operator who thinks that it hangs."""
    tests = {
        f"{file.name}: {name}"
        for file in (Path(__file__).parent / "commands").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }

    assert set(commands()) == STOPPED.keys()
    assert set(STOPPED.values()) <= tests
