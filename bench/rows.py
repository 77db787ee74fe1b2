"""One line of the table, and when it is good enough."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a row stands to its target."""

    MET = "met"
    MISSED = "missed"
    PRINTED = "printed"


@dataclass(frozen=True, slots=True)
class Target:
    """Where *value* must lie: *sign* is `<=`, `>=` or `=`."""

    sign: str
    value: float

    def is_met_by(self, value: float) -> bool:
        """Compare."""
        match self.sign:
            case "<=":
                return value <= self.value
            case ">=":
                return value >= self.value
            case "=":
                return value == self.value
        raise ValueError(f"no such sign: {self.sign}")

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One figure.

    *low* and *high* hold the middle half of the rounds, where there were several. An *exact* row
    counts something: it is the same on every machine, and missing it fails the run. Without a
    *target* it is printed. *details* are the figures it was made of.
    """

    name: str
    value: float
    unit: str = ""
    target: Target | None = None
    low: float | None = None
    high: float | None = None
    exact: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Tell how it stands."""
        if self.target is None:
            return Verdict.PRINTED
        return Verdict.MET if self.target.is_met_by(self.value) else Verdict.MISSED

    @property
    def fails_the_run(self) -> bool:
        """Tell whether no noise of a busy machine can excuse it."""
        return self.exact and self.verdict is Verdict.MISSED

    def as_json(self) -> dict[str, Any]:
        """Give everything, for those who compare runs."""
        return {**asdict(self), "target": str(self.target or ""), "verdict": self.verdict}


def at_most(value: float) -> Target:
    """Ask for no more than *value*."""
    return Target("<=", value)


def at_least(value: float) -> Target:
    """Ask for no less than *value*."""
    return Target(">=", value)


def exactly(value: float) -> Target:
    """Ask for *value*."""
    return Target("=", value)
