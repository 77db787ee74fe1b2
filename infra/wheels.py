"""Install what requirements/runtime.txt names, for the machine that will run it."""

import hashlib
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.template import ROOT, BuildError

REQUIREMENTS = ROOT / "requirements" / "runtime.txt"

#: For distributions that bring no licence of their own, by the beginning of their names.
_LICENCES = ROOT / "infra" / "licences"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the functions will run, in pip's words."""

    name: str
    #: Major and minor version.
    python: tuple[int, int]
    pip_options: tuple[str, ...] = ()
    #: What else decides about the wheels that pip takes.
    interpreter: str = ""


LAMBDA = Platform(
    "lambda",
    python=(3, 13),
    pip_options=(
        "--platform=manylinux2014_aarch64",
        "--implementation=cp",
        "--python-version=3.13",
    ),
)
LOCAL = Platform(
    "local",
    python=sys.version_info[:2],
    interpreter=f"{sysconfig.get_platform()} {sysconfig.get_config_var('EXT_SUFFIX')}",
)
PLATFORMS = {platform.name: platform for platform in (LAMBDA, LOCAL)}


def installed_packages(platform: Platform, *, cache: Path) -> Path:
    """
    Return the folder with what requirements/runtime.txt names, installed on the first call.

    Raises:
        BuildError: pip found no wheel for the platform, or one that is not the pinned one.
    """
    folder = cache / f"{platform.name}-{_fingerprint(platform)}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix=".installing-") as scratch:
            _pip_install(platform, target=Path(scratch) / "packages")
            _keep(Path(scratch) / "packages", as_=folder)
    return folder


def shipped_files(packages: Path) -> Iterator[tuple[str, Path]]:
    """
    Give what is shipped of *packages*, by its name in the zip: what runs, and every licence.

    Left out is what never runs: metadata, commands, tests.

    Raises:
        BuildError: a distribution has no licence, so we may not ship it.
    """
    for name, path in files(packages):
        top, *rest = Path(name).parts
        if not top.endswith(".dist-info") and top != "bin" and "tests" not in rest:
            yield name, path
    for distribution in distributions(packages):
        yield from _licences(distribution)


def distributions(packages: Path) -> Sequence[Path]:
    """Return the folder of metadata of each distribution."""
    return sorted(packages.glob("*.dist-info"))


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the files below *folder* by name, but for hidden ones and anybody's bytecode."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and "__pycache__" not in name.parts:
            yield name.as_posix(), path


def _licences(distribution: Path) -> Iterator[tuple[str, Path]]:
    known_as = distribution.name.removesuffix(".dist-info")
    found = [path for name, path in files(distribution) if _is_licence(Path(name).parts)]
    found = found or [path for path in _LICENCES.iterdir() if known_as.startswith(path.stem)]
    if not found:
        raise BuildError(f"{known_as} comes without a licence; put it into infra/licences")
    for path in found:
        yield f"licenses/{known_as}/{path.name}", path


def _is_licence(parts: Sequence[str]) -> bool:
    return parts[0] == "licenses" or parts[-1].upper().startswith(("LICEN", "NOTICE", "COPYING"))


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
