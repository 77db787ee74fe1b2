"""infra/wheels.py: the packages that are shipped, for the machine that runs them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import wheels
from infra.template import BuildError
from infra.wheels import LOCAL, Platform, installed_packages, shipped_files


class Pip:
    """Installs a folder that is there already, and remembers how often."""

    def __init__(self, packages: Path) -> None:
        self.packages = packages
        self.installations: list[str] = []

    def __call__(self, platform: Platform, *, target: Path) -> None:
        self.installations.append(platform.name)
        target.symlink_to(self.packages)


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    pip = Pip(write(tmp_path / "packages", {"thing/core.py": ""}))
    monkeypatch.setattr(wheels, "_pip_install", pip)
    return pip


def write(folder: Path, contents: Mapping[str, str]) -> Path:
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_packages_are_installed_once(pip: Pip, tmp_path: Path) -> None:
    """`make demo` packages every time, also on a train."""
    for _ in range(2):
        installed_packages(LOCAL, cache=tmp_path / "cache")

    assert pip.installations == ["local"]


def test_other_pins_are_installed_anew(
    pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip with yesterday's packages looks like today's."""
    installed_packages(LOCAL, cache=tmp_path / "cache")
    (tmp_path / "runtime.txt").write_text("thing==1.1\n")
    monkeypatch.setattr(wheels, "REQUIREMENTS", tmp_path / "runtime.txt")

    installed_packages(LOCAL, cache=tmp_path / "cache")

    assert pip.installations == ["local", "local"]


def test_pip_is_heard_when_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of it: the next build tries again."""
    (tmp_path / "runtime.txt").write_text("no such thing\n")
    monkeypatch.setattr(wheels, "REQUIREMENTS", tmp_path / "runtime.txt")

    with pytest.raises(BuildError, match=r"(?s)platform local.*Invalid requirement"):
        installed_packages(LOCAL, cache=tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("pin", "trouble"),
    [
        pytest.param("", "Hashes are required", id="without a hash"),
        pytest.param(f" --hash=sha256:{'0' * 64}", "DO NOT MATCH THE HASHES", id="another's hash"),
    ],
)
def test_wheel_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pin: str, trouble: str
) -> None:
    """Whoever takes over a project, or an index, would run with the role of our functions."""
    wheel = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing.py", "")
        archive.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    (tmp_path / "runtime.txt").write_text(f"thing @ {wheel.as_uri()}{pin}\n")
    monkeypatch.setattr(wheels, "REQUIREMENTS", tmp_path / "runtime.txt")

    with pytest.raises(BuildError, match=trouble):
        installed_packages(LOCAL, cache=tmp_path / "cache")


def test_what_never_runs_is_left_out(tmp_path: Path) -> None:
    packages = write(
        tmp_path,
        {
            "bin/thing": "#!",
            "thing/core.py": "",
            "thing/.hidden": "",
            "thing/__pycache__/core.cpython-311.pyc": "",
            "thing/tests/test_core.py": "",
            "thing-1.0.dist-info/METADATA": "",
            "thing-1.0.dist-info/NOTICE.txt": "",
            "thing-1.0.dist-info/licenses/LICENSE": "",
        },
    )

    assert set(dict(shipped_files(packages))) == {
        "licenses/thing-1.0/LICENSE",
        "licenses/thing-1.0/NOTICE.txt",
        "thing/core.py",
    }


def test_what_has_no_licence_is_not_shipped(tmp_path: Path) -> None:
    """Without one nobody may copy it, and every deployment copies it."""
    packages = write(tmp_path, {"thing/core.py": "", "thing-1.0.dist-info/METADATA": ""})

    with pytest.raises(BuildError, match=r"thing-1\.0 comes without a licence"):
        dict(shipped_files(packages))


def test_licence_that_a_wheel_forgot_comes_from_us(tmp_path: Path) -> None:
    packages = write(tmp_path, {"tencentcloud_sdk_python_ses-3.1.135.dist-info/METADATA": ""})

    [(name, path)] = shipped_files(packages)

    folder = "licenses/tencentcloud_sdk_python_ses-3.1.135"
    assert name == f"{folder}/tencentcloud_sdk_python.txt"
    assert "Copyright 1999-2017 Tencent Ltd." in path.read_text()
