"""Files with one JSON object a line, read so that a mistake names its line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cli.errors import WrongInputError


def read_objects(lines: Iterable[str], *, origin: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Give each object of *lines* with the number of its line; blank lines are none.

    Raises:
        WrongInputError: a line is no JSON object.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise WrongInputError(
                f"{origin}, line {number}: not a JSON object.",
                'Each line must be one object, such as {"text": "550 5.1.1 user unknown"}.',
            )
        yield number, value


def text_of(value: dict[str, Any], name: str, default: str | None, *, where: str) -> str:
    """
    Give the text under *name*, or *default*.

    Raises:
        WrongInputError: it is missing and there is no default, or it is no text.
    """
    found = value.get(name, default)
    if not isinstance(found, str):
        raise WrongInputError(f'{where}: "{name}" must be there, and be text.')
    return found
