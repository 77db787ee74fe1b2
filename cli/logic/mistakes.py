"""What one mistake did, among everything that the ledger knows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cli.errors import WrongInputError
from cli.logic.known import EXISTING, Event, Known

_AGO = re.compile(r"(\d+)\s*(m|min|h|d)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """Facts of one batch, of one mailing, or decided from *since* until before *until*."""

    batch: str = ""
    bulk_id: str = ""
    since: float | None = None
    until: float | None = None
    include_existing: bool = False

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing says which facts are meant."""
        return not self.batch and not self.bulk_id and self.since is None

    @property
    def is_named(self) -> bool:
        """Tell whether it goes by a name that may be misspelt, and not by a time alone."""
        return bool(self.batch or self.bulk_id)

    @property
    def is_ever(self) -> bool:
        """Tell whether it may have happened at any time."""
        return self.since is None and self.until is None

    def events_of(self, known: Known) -> Sequence[Event]:
        """Give the events of somebody that belong to it, whatever is known about them now."""
        return [event for event in known.events if self._is_meant(event)]

    def takes_back(self, event: Event) -> bool:
        """Tell whether an event that belongs to it ever did anything, and is ours."""
        return not event.is_ignored and (self.include_existing or event.origin != EXISTING)

    def _is_meant(self, event: Event) -> bool:
        decided_at = event.decided_at
        return (
            (not self.batch or event.details.get("batch") == self.batch)
            and (not self.bulk_id or event.fact.mail == self.bulk_id)
            and (self.since is None or decided_at >= self.since)
            and (self.until is None or decided_at < self.until)
        )


def read_period(since: str, until: str, *, now: float) -> tuple[float, float]:
    """
    Give from when and until before when is meant; without *until*, until now.

    Raises:
        WrongInputError: one of them is no moment, or the end is not after the beginning.
    """
    first = read_moment(since, now=now)
    last = read_moment(until, now=now) if until else now
    if last <= first:
        raise WrongInputError(f"--until {until or 'now'} is not after --since {since}.")
    return first, last


def read_moment(text: str, *, now: float) -> float:
    """
    Give the moment that *text* means: `2h` ago, `3d` ago, or a day or a moment, in UTC.

    Raises:
        WrongInputError: it means none.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds()
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise WrongInputError(
            f"{text!r} is no moment.", "Say 2h, 3d, 2026-11-25 or 2026-11-25T14:30, in UTC."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
