"""
Build what is deployed: `dist/PLATFORM/functions.zip`, and the compiled `template.json` beside it.

* lambda   Python 3.13 on arm64, from any machine: nothing is compiled, the index has the wheels
* local    the interpreter that runs this, for the stack on this machine

Two builds of the same sources are the same bytes: sorted, with fixed times and modes.
Installed packages stay under dist/packages, so only the first build asks the index.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from functions.blocklist.config import read_block_settings
from infra.template import ROOT, BuildError, compile_template

DIST = ROOT / "dist"
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"

#: The earliest moment a zip can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)

#: A plain file that everyone may read: Lambda unpacks as one user and runs as another.
_MODE = 0o100644


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the functions will run, in pip's words."""

    name: str
    pip_options: tuple[str, ...] = ()
    #: What else decides about the wheels that pip takes.
    interpreter: str = ""


LAMBDA = Platform(
    "lambda",
    pip_options=(
        "--platform=manylinux2014_aarch64",
        "--implementation=cp",
        "--python-version=3.13",
    ),
)
LOCAL = Platform(
    "local",
    interpreter=f"{sysconfig.get_platform()} {sysconfig.get_config_var('EXT_SUFFIX')}",
)
PLATFORMS = {platform.name: platform for platform in (LAMBDA, LOCAL)}


def build_zip(
    platform: Platform,
    *,
    target: Path,
    functions: Path = ROOT / "functions",
    cache: Path = DIST / "packages",
) -> None:
    """
    Write the functions with their packages to *target*.

    Raises:
        BuildError: pip found no wheel for the platform, or one that is not the pinned one.
    """
    packages = installed_packages(platform, cache=cache)
    entries = dict(_package_entries(packages)) | dict(_function_entries(functions))
    write_zip(entries, target=target)


def installed_packages(platform: Platform, *, cache: Path) -> Path:
    """Return the folder with what requirements/runtime.txt names, installed on the first call."""
    folder = cache / f"{platform.name}-{_fingerprint(platform)}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix=".installing-") as scratch:
            _pip_install(platform, target=Path(scratch) / "packages")
            _keep(Path(scratch) / "packages", as_=folder)
    return folder


def _fingerprint(platform: Platform) -> str:
    wanted = [REQUIREMENTS.read_text(), *platform.pip_options, platform.interpreter]
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]


def _pip_install(platform: Platform, *, target: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter with our own arguments
        [
            sys.executable,
            *("-m", "pip", "install", "--no-input", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"),
            *platform.pip_options,
            *("--target", str(target), "--requirement", str(REQUIREMENTS)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(
            f"pip could not install requirements/runtime.txt for the platform {platform.name}:\n"
            f"{done.stdout.strip()}"
        )


def _keep(fresh: Path, *, as_: Path) -> None:
    """Whoever finishes first wins; the other's copy is the same and goes away with its scratch."""
    try:
        fresh.rename(as_)
    except OSError:
        if not as_.is_dir():
            raise


def _package_entries(packages: Path) -> Iterator[tuple[str, Path]]:
    """Leave out what never runs: metadata, commands, tests. Licences stay, as they ask to."""
    for name, path in _files(packages):
        top, *rest = Path(name).parts
        if top.endswith(".dist-info"):
            if _is_licence(rest):
                yield f"licenses/{top.removesuffix('.dist-info')}/{rest[-1]}", path
        elif top != "bin" and "tests" not in rest:
            yield name, path


def _is_licence(parts: Sequence[str]) -> bool:
    return parts[0] == "licenses" or parts[-1].upper().startswith(("LICEN", "NOTICE", "COPYING"))


def _function_entries(functions: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _files(functions):
        yield f"functions/{name}", path


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and "__pycache__" not in name.parts:
            yield name.as_posix(), path


def write_zip(entries: Mapping[str, Path], *, target: Path) -> None:
    """Write the files under their names, so that equal content makes equal bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    with zipfile.ZipFile(fresh, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system = 3  # Unix, whose modes these are
            entry.external_attr = _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    fresh.replace(target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build zip and template for one platform, and say what came out."""
    options = _parse(arguments)
    folder = DIST / options.platform
    artifact, template = folder / "functions.zip", folder / "template.json"
    build_zip(PLATFORMS[options.platform], target=artifact)
    compile_template(options.stage, artifact=artifact, target=template, params=options.params)
    for line in _summary(folder, stage=options.stage):
        print(line)  # noqa: T201 - this is a command


@dataclass(frozen=True, slots=True)
class _Options:
    platform: str
    stage: str
    params: Mapping[str, str]


def _parse(arguments: Sequence[str] | None) -> _Options:
    parser = argparse.ArgumentParser(prog="python -m infra.package")
    parser.add_argument("--platform", choices=PLATFORMS, default=LAMBDA.name)
    parser.add_argument("--stage", default="dev", help="for the platform lambda; local has one")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    stage = "local" if given.platform == LOCAL.name else given.stage
    if (stage == "local") != (given.platform == LOCAL.name):
        parser.error("the stage local is built with --platform local")
    pairs = (param.partition("=") for param in given.param)
    return _Options(given.platform, stage, {name: value for name, _, value in pairs})


def _summary(folder: Path, *, stage: str) -> Iterator[str]:
    artifact = folder / "functions.zip"
    content = artifact.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    yield f"{artifact.relative_to(ROOT)}  {len(content) / 1e6:.2f} MB, sha256 {digest}"
    template = folder / "template.json"
    yield f"{template.relative_to(ROOT)}  stage {stage}, {_effect(template)}"


def _effect(template: Path) -> str:
    """
    Say what is easily forgotten: a setting given to one deployment is not there in the next.

    Raises:
        BuildError: the function would refuse its settings, and stand still.
    """
    compiled = json.loads(template.read_text())
    consumer = compiled["Resources"]["BlockRecipientsLambdaFunction"]["Properties"]
    defaults = {name: part["Default"] for name, part in compiled["Parameters"].items()}
    environment = {
        name: value if isinstance(value, str) else defaults.get(value["Ref"], "known once deployed")
        for name, value in consumer["Environment"]["Variables"].items()
    }
    try:
        settings = read_block_settings(environment)
    except ValueError as error:
        raise BuildError(f"block_recipients would not start: {error}") from None
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
