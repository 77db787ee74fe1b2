"""infra/package.py: the zip that runs, the same from every machine."""

import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra import package
from infra.package import LAMBDA, LOCAL, Platform, build_zip, installed_packages
from infra.template import BuildError

#: What an ELF file for arm64 says of its machine.
ARM64 = 183


@pytest.fixture(scope="session")
def lambda_zip(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build it once: the only test that may ask the package index, if no build did before."""
    target = tmp_path_factory.mktemp("lambda") / "functions.zip"
    build_zip(LAMBDA, target=target)
    return zipfile.ZipFile(target)


def test_compiled_parts_are_for_the_machine_they_run_on(lambda_zip: zipfile.ZipFile) -> None:
    """A part for another machine or Python fails at every start, and the receives run out."""
    parts = {name: lambda_zip.read(name) for name in lambda_zip.namelist() if ".so" in name}

    assert "msgspec/_core.cpython-313-aarch64-linux-gnu.so" in parts
    assert {_machine(content) for content in parts.values()} == {ARM64}
    assert all("cpython-313" in name for name in parts)


def _machine(content: bytes) -> int:
    machine: int
    (machine,) = struct.unpack_from("<H", content, 18)
    return machine if content.startswith(b"\x7fELF") else 0


def test_zip_holds_what_runs(lambda_zip: zipfile.ZipFile) -> None:
    names = set(lambda_zip.namelist())

    assert names >= {
        "functions/__init__.py",
        "functions/receive_callback/handler.py",
        "functions/block_recipients/handler.py",
        "functions/blocklist/bootstrap.py",
        "functions/blocklist/services/block_recipients.py",
        "tencentcloud/ses/v20201002/ses_client.py",
        "aws_lambda_powertools/__init__.py",
        "certifi/cacert.pem",
        "licenses/msgspec-0.22.0/LICENSE",
    }


def test_zip_holds_nothing_else(lambda_zip: zipfile.ZipFile) -> None:
    """boto3 alone is ten times the rest, and Lambda has it. Bytecode would be another machine's."""
    parts = {part for name in lambda_zip.namelist() for part in name.split("/")}

    assert not parts & {"boto3", "botocore", "tests", "infra", "local", "bin", "__pycache__"}
    assert not [part for part in parts if part.endswith((".pyc", ".dist-info"))]


def test_local_zip_runs_by_itself(tmp_path: Path) -> None:
    """
    On this machine every package is at hand; on Lambda only what the zip holds.

    -I and -S leave the interpreter nothing but its standard library. boto3 is Lambda's own.
    """
    build_zip(LOCAL, target=tmp_path / "functions.zip")
    with zipfile.ZipFile(tmp_path / "functions.zip") as archive:
        archive.extractall(tmp_path / "task")

    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-c", _IMPORT_ALL, str(tmp_path / "task")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


_IMPORT_ALL = """
import sys
sys.path.insert(0, sys.argv[1])
import functions.receive_callback.handler
import functions.block_recipients.handler
import functions.blocklist.adapters.tencent
import idna, msgspec, requests, tencentcloud.ses.v20201002.ses_client
"""


def test_equal_sources_make_equal_bytes(made_up: "MadeUp", tmp_path: Path) -> None:
    """Else nobody can tell whether what is deployed is what is in the repository."""
    made_up.build(tmp_path / "one.zip")
    for path in [*made_up.functions.rglob("*"), *made_up.packages.rglob("*")]:
        path.chmod(0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (made_up.functions / "domain").rename(made_up.functions / "aside")
    (made_up.functions / "aside").rename(made_up.functions / "domain")

    made_up.build(tmp_path / "two.zip")

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_everyone_may_read_the_files(made_up: "MadeUp", tmp_path: Path) -> None:
    """Lambda unpacks as one user and runs as another: files for their owner alone fail there."""
    for path in made_up.functions.rglob("*.py"):
        path.chmod(0o600)

    made_up.build(tmp_path / "functions.zip")

    with zipfile.ZipFile(tmp_path / "functions.zip") as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_what_never_runs_is_left_out(made_up: "MadeUp", tmp_path: Path) -> None:
    made_up.build(tmp_path / "functions.zip")

    with zipfile.ZipFile(tmp_path / "functions.zip") as archive:
        assert archive.namelist() == [
            "functions/__init__.py",
            "functions/domain/events.py",
            "licenses/thing-1.0/LICENSE",
            "licenses/thing-1.0/NOTICE.txt",
            "thing/core.py",
        ]


def test_packages_are_installed_once(made_up: "MadeUp", tmp_path: Path) -> None:
    """`make demo` packages every time, also on a train."""
    made_up.build(tmp_path / "one.zip")
    made_up.build(tmp_path / "two.zip")

    assert made_up.installations == ["made-up"]


def test_other_pins_are_installed_anew(
    made_up: "MadeUp", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip with yesterday's packages looks like today's."""
    made_up.build(tmp_path / "one.zip")
    (tmp_path / "runtime.txt").write_text("thing==1.1\n")
    monkeypatch.setattr(package, "REQUIREMENTS", tmp_path / "runtime.txt")

    made_up.build(tmp_path / "two.zip")

    assert made_up.installations == ["made-up", "made-up"]


def test_pip_is_heard_when_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of it: the next build tries again."""
    (tmp_path / "runtime.txt").write_text("no such thing\n")
    monkeypatch.setattr(package, "REQUIREMENTS", tmp_path / "runtime.txt")

    with pytest.raises(BuildError, match=r"(?s)platform local.*Invalid requirement"):
        installed_packages(LOCAL, cache=tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


def test_command_says_what_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether a stage blocks is seen before it is deployed, not by what is missing afterwards."""
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "DIST", tmp_path / "dist")

    package.main(["--platform", "local"])
    package.main(["--platform", "local", "--param", "dryRun=true"])

    zip_1, template_1, zip_2, template_2 = capsys.readouterr().out.splitlines()
    assert zip_1 == zip_2
    assert zip_1.startswith("dist/local/functions.zip  ")
    assert template_1 == "dist/local/template.json  stage local, blocks recipients"
    assert template_2 == "dist/local/template.json  stage local, dry run: blocks nobody"


@pytest.mark.parametrize(
    ("param", "trouble"),
    [
        ("dryRun=flase", "DRY_RUN is 'flase'; it must be true or false"),
        ("maxEmailsPerRequest=many", "MAX_EMAILS_PER_REQUEST"),
        ("tencentSesRegion=ap-guangzhou", "TENCENT_SES_REGION"),
        ("dryrun=false", "no parameter 'dryrun'; there are"),
        ("dryRun=", "the parameter dryRun needs a value"),
    ],
)
def test_parameters_that_would_stop_the_function_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, param: str, trouble: str
) -> None:
    """Deployed, the function would refuse every batch, and the mail would wait and be lost."""
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "DIST", tmp_path / "dist")

    with pytest.raises(BuildError, match=trouble):
        package.main(["--platform", "local", "--param", param])


@pytest.mark.parametrize(("value", "effect"), [("False", "blocks recipients"), ("TRUE", "dry run")])
def test_command_reads_settings_as_the_function_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
    effect: str,
) -> None:
    """To say that nobody is blocked while everybody is would be the worst of all messages."""
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "DIST", tmp_path / "dist")

    package.main(["--platform", "local", "--param", f"dryRun={value}"])

    assert effect in capsys.readouterr().out


def test_local_stage_is_not_built_for_lambda(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        package.main(["--stage", "local"])

    assert "--platform local" in capsys.readouterr().err


class MadeUp:
    """A small service with one package, of which pip is not asked."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.functions = _files(
            folder / "functions",
            {
                "__init__.py": "",
                "__pycache__/__init__.cpython-311.pyc": "",
                "domain/events.py": "EVENTS = ()",
                ".DS_Store": "",
            },
        )
        self.packages = _files(
            folder / "packages",
            {
                "bin/thing": "#!",
                "thing/core.py": "CORE = True",
                "thing/__pycache__/core.cpython-311.pyc": "",
                "thing/tests/test_core.py": "",
                "thing-1.0.dist-info/METADATA": "",
                "thing-1.0.dist-info/NOTICE.txt": "",
                "thing-1.0.dist-info/licenses/LICENSE": "",
            },
        )
        self.installations: list[str] = []

    def install(self, platform: Platform, *, target: Path) -> None:
        self.installations.append(platform.name)
        target.symlink_to(self.packages)

    def build(self, target: Path) -> None:
        platform = Platform("made-up")
        build_zip(platform, target=target, functions=self.functions, cache=self.cache)


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    service = MadeUp(tmp_path / "made-up")
    monkeypatch.setattr(package, "_pip_install", service.install)
    return service


def _files(folder: Path, contents: Mapping[str, str]) -> Path:
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
