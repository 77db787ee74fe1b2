"""infra/requirements.py: pins that no longer answer to what was asked for."""

from pathlib import Path

import pytest

from infra.requirements import pinned, stale


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lists that are as they should be."""
    _write(tmp_path / "runtime.in", "msgspec==0.22.0", "Some_Package >= 2")
    _write(
        tmp_path / "runtime.txt", "msgspec==0.22.0 \\", "    --hash=sha256:0", "some-package==2.1"
    )
    _write(tmp_path / "dev.in", "# a reason", "-r runtime.in", "pytest[all]")
    _write(
        tmp_path / "dev.txt", "msgspec==0.22.0", "some-package==2.1", "pytest==9.0 ; os_name=='nt'"
    )
    return tmp_path


def _write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n")


def test_fresh_pins_pass(folder: Path) -> None:
    assert list(stale(folder)) == []


def test_what_was_asked_for_is_pinned(folder: Path) -> None:
    """A forgotten `make requirements` ships without the package: every start fails."""
    _write(folder / "runtime.in", "msgspec==0.22.0", "boltons")

    assert list(stale(folder)) == [
        "dev.txt does not pin boltons",
        "runtime.txt does not pin boltons",
    ]


def test_pin_is_a_version_that_was_asked_for(folder: Path) -> None:
    """An upgrade in the .in file alone changes nothing that runs."""
    _write(folder / "dev.in", "pytest>=10")

    assert list(stale(folder)) == ["dev.txt pins pytest 9.0, against pytest>=10"]


def test_what_ships_is_what_was_tested(folder: Path) -> None:
    """Lists that were compiled on two days may differ in what neither .in file names."""
    _write(folder / "dev.txt", "msgspec==0.22.0", "some-package==2.0", "pytest==9.0")

    assert list(stale(folder)) == ["dev.txt does not pin some-package as runtime.txt does"]


def test_package_may_have_a_version_for_each_interpreter(tmp_path: Path) -> None:
    _write(
        tmp_path / "runtime.txt",
        "idna==3.19 ; python_full_version < '3.12' \\",
        "idna==3.20 ; python_full_version >= '3.12' \\",
    )

    assert pinned(tmp_path / "runtime.txt") == {"idna": frozenset({"3.19", "3.20"})}
