"""
On which line of a TOML text something stands.

`tomllib` tells no lines of what it could read, and a mistake without one is looked for at length.
It knows the ways in which people write settings, not all of TOML: what it cannot find has no line.
"""

import re
from collections.abc import Sequence

_PATH = re.compile(r"\.(\w+)(?:\[(\d+)\])?(?:\.(\w+))?")
_TRIPLE_QUOTES = re.compile(r"=\s*(?:\"\"\"|''')\s*$")


def line_of(text: str, path: str) -> int | None:
    """Find the line of a *path* such as `.rules[2].then`; its table's where the key is not."""
    found = _PATH.match(path)
    if not found:
        return None
    table, number, key = found[1], int(found[2] or 0), found[3]
    lines = text.split("\n")
    header = re.compile(rf"\s*\[+\s*{table}\s*\]+")
    starts = [index for index, line in enumerate(lines) if header.match(line)]
    if len(starts) <= number:
        return _line_that_sets(table, lines, start=0)
    start = starts[number] + 1
    return (_line_that_sets(key, lines, start=start) if key else None) or start


def line_in_text(text: str, key: str) -> int:
    """Find the first line of what stands in *key*, at the top; 1 where it is not there."""
    line = line_of(text, f".{key}")
    if not line:
        return 1
    opens_below = _TRIPLE_QUOTES.search(text.split("\n")[line - 1])
    return line + 1 if opens_below else line


def _line_that_sets(key: str, lines: Sequence[str], *, start: int) -> int | None:
    """Find the line from *start* on, up to the next table, that sets *key*."""
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.lstrip().startswith("["):
            return None
        if re.match(rf"\s*{key}\s*=", line):
            return number
    return None
