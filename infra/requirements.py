"""
Check that requirements/*.txt still answer to their *.in, offline and without resolving anything.

* what an .in file asks for is pinned beside it, at a version that it allows
* what ships is tested: dev.txt pins the versions of runtime.txt
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.template import ROOT


def stale(folder: Path) -> Iterator[str]:
    """Yield a sentence for each pin that is missing, not allowed, or at odds with what ships."""
    for source in sorted(folder.glob("*.in")):
        pins = pinned(source.with_suffix(".txt"))
        yield from _unanswered(source, pins=pins)
    yield from _untested(pinned(folder / "runtime.txt"), pinned(folder / "dev.txt"))


def pinned(path: Path) -> dict[str, frozenset[str]]:
    """Return each package's versions, which are several where they depend on the interpreter."""
    pins: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.removesuffix("\\"))
            versions = pins.setdefault(canonicalize_name(pin.name), set())
            versions.update(clause.version for clause in pin.specifier)
    return {name: frozenset(versions) for name, versions in pins.items()}


def _unanswered(source: Path, *, pins: dict[str, frozenset[str]]) -> Iterator[str]:
    for requirement in _wanted(source):
        versions = pins.get(canonicalize_name(requirement.name))
        if versions is None:
            yield f"{source.stem}.txt does not pin {requirement.name}"
            continue
        for version in versions:
            if not requirement.specifier.contains(version, prereleases=True):
                yield f"{source.stem}.txt pins {requirement.name} {version}, against {requirement}"


def _wanted(source: Path) -> Iterator[Requirement]:
    for line in source.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from _wanted(source.parent / text.removeprefix("-r ").strip())
        elif text:
            yield Requirement(text)


def _untested(
    shipped: dict[str, frozenset[str]], tested: dict[str, frozenset[str]]
) -> Iterator[str]:
    for name, versions in shipped.items():
        if tested.get(name) != versions:
            yield f"dev.txt does not pin {name} as runtime.txt does"


def main() -> None:
    """Name everything that is stale, and fail if anything is."""
    if problems := list(stale(ROOT / "requirements")):
        sys.exit("\n".join([*problems, "The pins are stale; run: make requirements"]))


if __name__ == "__main__":
    main()
