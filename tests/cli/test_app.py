"""The command line as a whole."""

import re
import subprocess
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
from tests.cli.running import REPOSITORY, run


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
