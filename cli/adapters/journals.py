"""Files beside the user's own that remember what is done, so that a stopped command goes on."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.errors import WrongInputError


class Journal:
    """
    One JSON value a line, on the disk before the next step begins.

    Only its owner may read it: it holds addresses. A line that was cut off by the machine's end is
    no line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sequence[Any]:
        """
        Give every entry so far.

        Raises:
            WrongInputError: the file is there, and is none of ours.
        """
        try:
            *lines, rest = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        if rest:
            os.truncate(self.path, self.path.stat().st_size - len(rest))
        try:
            return [json.loads(line) for line in lines]
        except ValueError:
            raise WrongInputError(
                f"{self.path} is damaged.", "Remove it to begin from the beginning."
            ) from None

    def add(self, entry: object) -> None:
        """
        Write one entry, and return when it is on the disk.

        Raises:
            WrongInputError: it cannot be written there.
        """
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise WrongInputError(
                f"{self.path} cannot be written: {error.strerror}.",
                "What is done is remembered there. Use a folder that you may write to.",
            ) from None

    def forget(self) -> None:
        """Remove the file: everything is done."""
        self.path.unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """Give the path of a file beside *path*, such as `audit.csv.part`."""
    return path.with_name(path.name + suffix)
