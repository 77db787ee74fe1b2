"""
Build what is deployed, under dist/PLATFORM.

functions.zip, its bill of materials sbom.cdx.json, and the compiled template.json, for a platform:

* lambda   Python 3.13 on arm64, from any machine: nothing is built, the index has the wheels
* local    the interpreter that runs this, for the stack on this machine

Two builds of the same sources with the same Python are the same bytes. Bytecode is compiled by a
Python of the platform's version; where there is none, the package is built without, and says so.
Installed packages stay under dist/packages, so only the first build asks the index.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.archive import has_bytecode, unzipped_bytes, write_zip
from infra.bill import write_bill
from infra.bytecode import Compiler, find_compiler
from infra.consumer import settings_of
from infra.template import ROOT, BuildError, compile_template
from infra.wheels import (
    LAMBDA,
    LOCAL,
    PLATFORMS,
    Platform,
    distributions,
    files,
    installed_packages,
    shipped_files,
)

DIST = ROOT / "dist"


def build_zip(
    platform: Platform,
    *,
    target: Path,
    compiler: Compiler | None,
    functions: Path = ROOT / "functions",
    cache: Path = DIST / "packages",
) -> None:
    """
    Write the functions with their packages, and *compiler*'s bytecode of both, to *target*.

    Raises:
        BuildError: pip found no wheel for the platform, or one that is not the pinned one; it is
            larger than we allow.
    """
    packages = installed_packages(platform, cache=cache)
    entries = dict(shipped_files(packages))
    entries |= {f"functions/{name}": path for name, path in files(functions)}
    with TemporaryDirectory(prefix="bytecode-") as scratch:
        if compiler:
            entries |= compiler.compile(entries, folder=Path(scratch))
        write_zip(entries, target=target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build zip and template for one platform, and say what came out."""
    options = _parse(arguments)
    platform = PLATFORMS[options.platform]
    folder = DIST / options.platform
    artifact, template = folder / "functions.zip", folder / "template.json"
    if not options.built:
        _build(platform, folder=folder, deployable=options.deployable)
    elif not artifact.exists():
        raise BuildError(f"{artifact.relative_to(ROOT)} is not there; run: make package")
    if options.deployable and not has_bytecode(artifact):
        raise BuildError(_without_compiler(platform))
    compile_template(options.stage, artifact=artifact, target=template, params=options.params)
    for line in _summary(folder, stage=options.stage):
        print(line)  # noqa: T201 - this is a command


def _build(platform: Platform, *, folder: Path, deployable: bool) -> None:
    """Build both, unless what would be built is not *deployable*: then what is there stays."""
    artifact, compiler = folder / "functions.zip", find_compiler(platform.python)
    if deployable and not compiler:
        raise BuildError(_without_compiler(platform))
    build_zip(platform, target=artifact, compiler=compiler)
    packages = installed_packages(platform, cache=DIST / "packages")
    write_bill(distributions(packages), artifact=artifact, target=folder / "sbom.cdx.json")


def _without_compiler(platform: Platform) -> str:
    version = ".".join(map(str, platform.python))
    return (
        f"there was no Python {version} to compile for Lambda, and without bytecode every cold "
        "start takes twice as long.\n"
        f"Install it (`.venv/bin/uv python install {version}` does), or say where it is: "
        f"make deploy PYTHON{version.replace('.', '')}=/path/to/python{version} ..."
    )


@dataclass(frozen=True, slots=True)
class _Options:
    platform: str
    stage: str
    deployable: bool
    built: bool
    params: Mapping[str, str]


def _parse(arguments: Sequence[str] | None) -> _Options:
    parser = argparse.ArgumentParser(prog="python -m infra.package")
    parser.add_argument("--platform", choices=PLATFORMS, default=LAMBDA.name)
    parser.add_argument("--stage", default="dev", help="for the platform lambda; local has one")
    parser.add_argument(
        "--deployable", action="store_true", help="fail rather than build without bytecode"
    )
    parser.add_argument(
        "--built", action="store_true", help="take the zip that is there: it was built elsewhere"
    )
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    stage = "local" if given.platform == LOCAL.name else given.stage
    if (stage == "local") != (given.platform == LOCAL.name):
        parser.error("the stage local is built with --platform local")
    pairs = (param.partition("=") for param in given.param)
    return _Options(
        platform=given.platform,
        stage=stage,
        deployable=given.deployable,
        built=given.built,
        params={name: value for name, _, value in pairs},
    )


def _summary(folder: Path, *, stage: str) -> Iterator[str]:
    artifact = folder / "functions.zip"
    content = artifact.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    bytecode = "bytecode" if has_bytecode(artifact) else "NO BYTECODE"
    yield (
        f"{artifact.relative_to(ROOT)}  {len(content) / 1e6:.2f} MB, "
        f"unzipped {unzipped_bytes(artifact) / 1e6:.1f} MB, {bytecode}, sha256 {digest}"
    )
    template = folder / "template.json"
    yield f"{template.relative_to(ROOT)}  stage {stage}, {_effect(template, artifact=artifact)}"


def _effect(template: Path, *, artifact: Path) -> str:
    """
    Say what is easily forgotten: a setting given to one deployment is not there in the next.

    Raises:
        BuildError: the function would refuse its settings or its policy, and stand still.
    """
    try:
        settings = settings_of(json.loads(template.read_text()), artifact=artifact)
    except ValueError as error:
        raise BuildError(str(error)) from None
    return "dry run: blocks nobody" if settings.dry_run else "blocks recipients"


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(f"package: {error}")
    except OSError as error:
        sys.exit(f"package: {error.strerror}: {error.filename}")
    except KeyboardInterrupt:
        sys.exit(130)
