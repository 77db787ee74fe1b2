"""The zip that is deployed: it holds all that runs there, for the machine that it runs on."""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bytecode import Compiler, find_compiler
from infra.package import DIST, build_zip
from infra.requirements import pinned
from infra.wheels import LAMBDA, LOCAL, REQUIREMENTS, distributions, installed_packages

#: What an ELF file for arm64 says of its machine.
ARM64 = 183
#: What every Python 3.13 since its release says of its bytecode.
MAGIC_OF_3_13 = (3571).to_bytes(2, "little") + b"\r\n"
UNCHECKED_HASH = (1).to_bytes(4, "little")


@pytest.fixture(scope="session")
def lambda_compiler() -> Compiler | None:
    return find_compiler(LAMBDA.python)


@pytest.fixture(scope="session")
def lambda_zip(
    tmp_path_factory: pytest.TempPathFactory, lambda_compiler: Compiler | None
) -> zipfile.ZipFile:
    """Build it once: these tests may ask the package index, if no build did before."""
    target = tmp_path_factory.mktemp("lambda") / "functions.zip"
    build_zip(LAMBDA, target=target, compiler=lambda_compiler)
    return zipfile.ZipFile(target)


@pytest.fixture(scope="session")
def local_zip(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("local") / "functions.zip"
    build_zip(LOCAL, target=target, compiler=find_compiler(LOCAL.python))
    return zipfile.ZipFile(target)


def sources(archive: zipfile.ZipFile) -> set[str]:
    """Give the names but for bytecode, and without what a name says of machine and interpreter."""
    return {_plain(name) for name in archive.namelist() if "__pycache__" not in name}


def _plain(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.partition('.')[0]}.so" if file.endswith(".so") else name


def test_zip_holds_what_the_tested_one_holds(
    lambda_zip: zipfile.ZipFile, local_zip: zipfile.ZipFile
) -> None:
    """Nobody runs this zip before it is deployed; tests/integration runs the other one."""
    shipped, tested = sources(lambda_zip), sources(local_zip)

    # A wheel may be compiled for one of the two machines and plain Python for the other.
    compiled = {name for name in shipped ^ tested if name.endswith(".so")}
    assert shipped - compiled == tested - compiled
    assert {name.split("/")[0] for name in compiled} <= {"charset_normalizer"}


def test_compiled_parts_are_for_the_machine_they_run_on(lambda_zip: zipfile.ZipFile) -> None:
    """A part for another machine or Python fails at every start, and the receives run out."""
    elves = {
        name: content
        for name in lambda_zip.namelist()
        if (content := lambda_zip.read(name)).startswith(b"\x7fELF")
    }

    assert "msgspec/_core.cpython-313-aarch64-linux-gnu.so" in elves
    assert {struct.unpack_from("<H", content, 18)[0] for content in elves.values()} == {ARM64}
    assert all("cpython-313" in name for name in elves)
    assert {name for name in lambda_zip.namelist() if ".so" in name} == set(elves)


def test_wheels_are_for_this_python_and_for_any_linux() -> None:
    """Its name tells what a wheel was built for, and what of the C library it needs."""
    packages = installed_packages(LAMBDA, cache=DIST / "packages")

    tags = {
        tag
        for distribution in distributions(packages)
        for tag in _tags(distribution)
        if not tag.endswith("-none-any")
    }

    assert tags
    assert all(tag.startswith("cp313-cp313-manylinux") for tag in tags)
    assert all(tag.endswith("_aarch64") for tag in tags)


def _tags(distribution: Path) -> Iterator[str]:
    for line in (distribution / "WHEEL").read_text().splitlines():
        if line.startswith("Tag: "):
            yield line.removeprefix("Tag: ")


def test_bytecode_is_what_lambda_takes(
    lambda_zip: zipfile.ZipFile, lambda_compiler: Compiler | None
) -> None:
    """Of a module that is compiled at each cold start nobody hears."""
    if not lambda_compiler:
        pytest.skip("no Python 3.13 on this machine: PYTHON313=/path/to/python3.13 says where")
    modules = [name for name in lambda_zip.namelist() if name.endswith(".py")]

    headers = {
        name: lambda_zip.open(name).read(8)
        for name in lambda_zip.namelist()
        if name.endswith(".pyc")
    }

    assert len(headers) == len(modules)
    assert set(headers.values()) == {MAGIC_OF_3_13 + UNCHECKED_HASH}


def test_zip_holds_what_runs(lambda_zip: zipfile.ZipFile) -> None:
    assert set(lambda_zip.namelist()) >= {
        "functions/__init__.py",
        "functions/receive_callback/handler.py",
        "functions/block_recipients/handler.py",
        "functions/blocklist/bootstrap.py",
        "functions/blocklist/services/block_recipients.py",
        "tencentcloud/ses/v20201002/ses_client.py",
        "aws_lambda_powertools/__init__.py",
        "certifi/cacert.pem",
    }


def test_zip_holds_nothing_else(lambda_zip: zipfile.ZipFile) -> None:
    """boto3 alone is ten times the rest, and Lambda has it (docs/decisions/0034)."""
    parts = {part for name in lambda_zip.namelist() for part in name.split("/")}

    assert not parts & {"boto3", "botocore", "tests", "infra", "local", "bin"}
    assert not [part for part in parts if part.endswith(".dist-info")]


def test_everything_shipped_has_its_licence(lambda_zip: zipfile.ZipFile) -> None:
    """Each of them may be copied only together with it."""
    licensed = {
        name.split("/")[1].rpartition("-")[0].replace("_", "-").lower()
        for name in lambda_zip.namelist()
        if name.startswith("licenses/") and lambda_zip.getinfo(name).file_size
    }

    assert licensed == set(pinned(REQUIREMENTS))
