"""infra/archive.py: the same bytes from the same content, readable for everyone, and small."""

import os
import zipfile
from pathlib import Path

import pytest

from infra.archive import unzipped_bytes, write_zip
from infra.template import BuildError


@pytest.fixture
def entries(tmp_path: Path) -> dict[str, Path]:
    for name in ("b.py", "a.py"):
        (tmp_path / name).write_text(f"NAME = {name!r}\n")
    return {"package/b.py": tmp_path / "b.py", "a.py": tmp_path / "a.py"}


def test_equal_content_makes_equal_bytes(entries: dict[str, Path], tmp_path: Path) -> None:
    """Else nobody can tell whether what is deployed is what is in the repository."""
    write_zip(entries, target=tmp_path / "one.zip")
    for path in entries.values():
        path.chmod(0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))

    write_zip(dict(reversed(entries.items())), target=tmp_path / "two.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_everyone_may_read_the_files(entries: dict[str, Path], tmp_path: Path) -> None:
    """Lambda unpacks as one user and runs as another: files for their owner alone fail there."""
    for path in entries.values():
        path.chmod(0o600)

    write_zip(entries, target=tmp_path / "functions.zip")

    with zipfile.ZipFile(tmp_path / "functions.zip") as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (os.urandom(5_000_001), r"5\.0 MB zipped; it may have 5"),
        (bytes(20_000_001), r"20\.0 MB unzipped; it may have 20"),
    ],
)
def test_package_that_grew_too_large_fails_the_build(
    tmp_path: Path, content: bytes, trouble: str
) -> None:
    """Every megabyte is loaded at a cold start; what was built before stays as it was."""
    target = tmp_path / "functions.zip"
    target.write_text("before")
    (tmp_path / "large").write_bytes(content)

    with pytest.raises(BuildError, match=trouble):
        write_zip({"large": tmp_path / "large"}, target=target)

    assert target.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["functions.zip", "large"]


def test_size_is_that_of_the_content(entries: dict[str, Path], tmp_path: Path) -> None:
    write_zip(entries, target=tmp_path / "functions.zip")

    assert unzipped_bytes(tmp_path / "functions.zip") == 2 * len("NAME = 'a.py'\n")
