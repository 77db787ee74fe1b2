"""What the command answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.rows import Row, at_most, exactly


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "ROOT", tmp_path.parent)
    monkeypatch.setattr(bench, "end_with_parent", lambda: None)
    return tmp_path


@pytest.mark.parametrize(("exact", "status"), [(True, 1), (False, 0)])
def test_status_says_whether_something_exact_is_missed(
    monkeypatch: pytest.MonkeyPatch, *, exact: bool, status: int
) -> None:
    """A build must not fail because a neighbour was busy, and must when a call is one too many."""
    rows = [Row("calls", 1.5, target=exactly(1), exact=exact), Row("time", 1, target=at_most(2))]
    monkeypatch.setattr(bench, "GROUPS", {"some": lambda: iter(rows)})

    assert bench.main(["some"]) == status


def test_table_json_and_picture_are_left(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows() -> Iterator[Row]:
        yield Row("time", 3, "x", at_most(2), low=2.5, high=3.5)

    monkeypatch.setattr(bench, "GROUPS", {"some": rows})

    bench.main([])

    assert "missed" in capsys.readouterr().out
    [row] = json.loads((folder / "results.json").read_text())["rows"]
    assert (row["name"], row["value"], row["target"], row["verdict"]) == (
        "time",
        3,
        "<= 2",
        "missed",
    )
    assert (folder / "table.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_group_is_an_error() -> None:
    with pytest.raises(SystemExit):
        bench.main(["nonsense"])
