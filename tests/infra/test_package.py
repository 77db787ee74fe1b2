"""infra/package.py: the zip that runs, the same from every machine."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import pytest

from functions.blocklist.adapters.policies import POLICIES
from infra import package, wheels
from infra.bytecode import Compiler, find_compiler
from infra.package import build_zip
from infra.template import BuildError
from infra.wheels import LOCAL, Platform
from tests.infra.test_wheels import write


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a place of its own to what the command builds."""
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "DIST", tmp_path / "dist")
    return tmp_path / "dist"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the functions of a service with one package, of which pip is not asked."""
    packages = write(
        tmp_path / "packages",
        {
            "thing/core.py": "CORE = {'a', 'b'}",
            "thing-1.0.dist-info/METADATA": "Name: thing\nVersion: 1.0\nLicense: MIT\n",
            "thing-1.0.dist-info/licenses/LICENSE": "",
        },
    )

    def install(_: Platform, *, target: Path) -> None:
        target.symlink_to(packages)

    monkeypatch.setattr(wheels, "_pip_install", install)
    return write(
        tmp_path / "functions",
        {
            "__init__.py": "",
            "__pycache__/__init__.cpython-37.pyc": "",
            "domain/events.py": "EVENTS = {'x', 'y'}",
            ".DS_Store": "",
        },
    )


def build(functions: Path, *, name: str, compiler: Compiler | None = None) -> Path:
    target = functions.parent / name
    build_zip(
        LOCAL,
        target=target,
        compiler=compiler,
        functions=functions,
        cache=functions.parent / f"cache of {name}",
    )
    return target


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_zip_holds_functions_packages_and_licences(service: Path) -> None:
    assert names(build(service, name="functions.zip")) == [
        "functions/__init__.py",
        "functions/domain/events.py",
        "licenses/thing-1.0/LICENSE",
        "thing/core.py",
    ]


def test_every_module_has_its_bytecode(service: Path) -> None:
    target = build(service, name="functions.zip", compiler=find_compiler(LOCAL.python))

    tag = sys.implementation.cache_tag
    assert [name for name in names(target) if "__pycache__" in name] == [
        f"functions/__pycache__/__init__.{tag}.pyc",
        f"functions/domain/__pycache__/events.{tag}.pyc",
        f"thing/__pycache__/core.{tag}.pyc",
    ]


def test_equal_sources_make_equal_bytes(service: Path) -> None:
    """Else nobody can tell whether what is deployed is what is in the repository."""
    compiler = find_compiler(LOCAL.python)
    one = build(service, name="one.zip", compiler=compiler).read_bytes()
    for path in service.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (service / "domain").rename(service / "aside")
    (service / "aside").rename(service / "domain")

    assert build(service, name="two.zip", compiler=compiler).read_bytes() == one


def test_without_that_python_the_package_has_no_bytecode_and_says_so(
    service: Path,
    dist: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """To try it, to test it and to read it another Python will do."""
    monkeypatch.setattr(package, "find_compiler", lambda _: None)
    monkeypatch.setattr(package.build_zip, "__kwdefaults__", {"functions": service, "cache": dist})
    write(service, {"blocklist/policies/strict.toml": (POLICIES / "strict.toml").read_text()})

    package.main([])

    assert ", NO BYTECODE, " in capsys.readouterr().out
    assert not [name for name in names(dist / "lambda" / "functions.zip") if ".pyc" in name]


def test_without_that_python_nothing_is_deployed(
    dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It would work, and every cold start would take twice as long: nobody would find out why.

    What was built elsewhere with that Python, to be deployed with BUILT=1, is still there then.
    """
    monkeypatch.setattr(package, "find_compiler", lambda _: None)
    write(dist / "local", {"functions.zip": "built elsewhere"})

    with pytest.raises(
        BuildError, match=r"(?s)no Python 3\.\d+ .*PYTHON3\d+=/path/to/python3\.\d+"
    ):
        package.main(["--platform", "local", "--deployable"])

    assert (dist / "local" / "functions.zip").read_text() == "built elsewhere"


def test_what_was_built_without_that_python_is_not_deployed_either(dist: Path) -> None:
    """The machine that deploys need not have it; the one that built had to."""
    (dist / "local").mkdir(parents=True)
    with zipfile.ZipFile(dist / "local" / "functions.zip", "w") as archive:
        archive.writestr("functions/handler.py", "")

    with pytest.raises(BuildError, match=r"no Python 3\.\d+ to compile"):
        package.main(["--platform", "local", "--built", "--deployable"])


def test_what_was_built_elsewhere_is_taken_as_it_is(
    dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One package goes through all the stages: what was tried is what runs."""
    with pytest.raises(BuildError, match=r"dist/local/functions\.zip is not there"):
        package.main(["--platform", "local", "--built"])
    (dist / "local").mkdir(parents=True)
    artifact = dist / "local" / "functions.zip"
    with zipfile.ZipFile(artifact, "w") as archive:
        archive.writestr("functions/__pycache__/handler.cpython-313.pyc", "")
        archive.write(POLICIES / "strict.toml", "functions/blocklist/policies/strict.toml")
    before = artifact.read_bytes()

    package.main(["--platform", "local", "--built", "--deployable"])

    assert artifact.read_bytes() == before
    assert f"sha256 {hashlib.sha256(before).hexdigest()[:12]}" in capsys.readouterr().out


@pytest.mark.usefixtures("dist")
def test_command_says_what_was_built(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a stage blocks is seen before it is deployed, not by what is missing afterwards."""
    package.main(["--platform", "local"])
    package.main(["--platform", "local", "--param", "dryRun=true"])

    zip_1, template_1, zip_2, template_2 = capsys.readouterr().out.splitlines()
    assert zip_1 == zip_2
    assert zip_1.startswith("dist/local/functions.zip  ")
    assert ", bytecode, " in zip_1
    assert template_1 == "dist/local/template.json  stage local, blocks recipients"
    assert template_2 == "dist/local/template.json  stage local, dry run: blocks nobody"


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize(
    ("param", "trouble"),
    [
        ("dryRun=flase", "DRY_RUN is 'flase'; it must be true or false"),
        ("maxEmailsPerRequest=many", "MAX_EMAILS_PER_REQUEST"),
        ("tencentSesRegion=ap-guangzhou", "TENCENT_SES_REGION"),
        ("dryrun=false", "no parameter 'dryrun'; there are"),
        ("dryRun=", "the parameter dryRun needs a value"),
        ("policyFile=lenint.toml", r"no policy 'lenint\.toml' .*lenient\.toml, strict\.toml"),
    ],
)
def test_parameters_that_would_stop_the_function_are_refused(param: str, trouble: str) -> None:
    """Deployed, the function would refuse every batch, and the mail would wait and be lost."""
    with pytest.raises(BuildError, match=trouble):
        package.main(["--platform", "local", "--param", param])


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize(("value", "effect"), [("False", "blocks recipients"), ("TRUE", "dry run")])
def test_command_reads_settings_as_the_function_does(
    capsys: pytest.CaptureFixture[str],
    value: str,
    effect: str,
) -> None:
    """To say that nobody is blocked while everybody is would be the worst of all messages."""
    package.main(["--platform", "local", "--param", f"dryRun={value}"])

    assert effect in capsys.readouterr().out


def test_local_stage_is_not_built_for_lambda(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        package.main(["--stage", "local"])

    assert "--platform local" in capsys.readouterr().err
