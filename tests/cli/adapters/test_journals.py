"""What is done is remembered, whatever the moment at which everything ends."""

import stat
from pathlib import Path

import pytest

from cli.adapters.journals import Journal, beside
from cli.errors import WrongInputError


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "work.done")


def test_entries_come_back_in_their_order(journal: Journal) -> None:
    journal.add({"a": 1})
    journal.add(["ü", None])

    assert list(Journal(journal.path).read()) == [{"a": 1}, ["ü", None]]


def test_nothing_is_remembered_before_the_first_entry(journal: Journal) -> None:
    assert list(journal.read()) == []
    assert not journal.path.exists()


def test_entry_that_was_cut_off_is_none(journal: Journal) -> None:
    """Power can end in the middle of a line; the next one must not grow out of its stump."""
    journal.add({"a": 1})
    with journal.path.open("a") as file:
        file.write('{"b": ')

    assert list(journal.read()) == [{"a": 1}]
    journal.add({"c": 3})
    assert list(journal.read()) == [{"a": 1}, {"c": 3}]


def test_only_the_owner_may_read_it(journal: Journal) -> None:
    """It holds addresses."""
    journal.add("a@example.com")

    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_damaged_file_is_named_and_not_overwritten(journal: Journal) -> None:
    journal.path.write_text("somebody's own notes\n")

    with pytest.raises(WrongInputError, match=r"work\.done is damaged"):
        journal.read()
    assert journal.path.read_text() == "somebody's own notes\n"


def test_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(WrongInputError, match="cannot be written"):
        Journal(tmp_path / "no such folder" / "work.done").add(1)


def test_what_is_over_is_forgotten(journal: Journal) -> None:
    journal.add(1)

    journal.forget()
    journal.forget()

    assert list(journal.read()) == []


def test_journal_stands_beside_the_file() -> None:
    assert beside(Path("a/b.csv"), ".part") == Path("a/b.csv.part")
