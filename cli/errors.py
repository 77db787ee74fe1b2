"""
Everything a command can end in, sorted by what the caller does next.

* CliError
  + AttentionError     1: done, but not all of it, or something needs a person
  + WrongInputError    2: what was typed, or a file that was given, is wrong
  + TryAgainError      3: a service did not answer; the same command may work in a minute
  + MendFirstError     4: credentials, permissions or settings; nothing works before they are mended

0 is done, 130 is stopped with Ctrl-C. These numbers are what scripts rely on (docs/cli.md).
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    ATTENTION = 1
    WRONG_INPUT = 2
    TRY_AGAIN = 3
    MEND_FIRST = 4
    STOPPED = 130


class CliError(Exception):
    """
    What is wrong, and what to do about it: two sentences for somebody at 3 a.m.

    Neither ever holds a secret.
    """

    exit_code = ExitCode.ATTENTION

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


class AttentionError(CliError):
    """The command did what it could; something is left."""


class WrongInputError(CliError):
    """What was typed, or a file that was given, is wrong."""

    exit_code = ExitCode.WRONG_INPUT


class TryAgainError(CliError):
    """A service did not answer, or asked for patience."""

    exit_code = ExitCode.TRY_AGAIN


class MendFirstError(CliError):
    """Credentials, permissions or settings are wrong."""

    exit_code = ExitCode.MEND_FIRST
