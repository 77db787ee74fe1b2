"""Run the command as a person would, and look at what it wrote and how it ended."""

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from cli.app import app

SECRET_ID, SECRET_KEY = "AKIDoperator", "operator-secret-key"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was written
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """The JSON objects on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str, answer: str = "") -> Ran:
    """Run `ses-blocklist` with *arguments*, typing *answer* where it asks."""
    result = CliRunner().invoke(app, arguments, input=answer, prog_name="ses-blocklist")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.stdout, result.stderr, result.exit_code)
