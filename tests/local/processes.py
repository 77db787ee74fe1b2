"""Who started whom on this machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path


def descendants(pid: int) -> Iterator[int]:
    """Walk down from *pid*."""
    children = [child for child, parent in parents().items() if parent == pid]
    for child in children:
        yield child
        yield from descendants(child)


def parents() -> Mapping[int, int]:
    """Give the parent of every process, zombies left out."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue  # gone while we looked
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found
