"""
How long a block lasts: terms that grow each time, until one is for good.

Tencent's list takes a day, without an hour and without a word on the time zone; its console and its
other dates are in Chinese time, so that is what a day means here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
_EPOCH = datetime.fromtimestamp(0, SHANGHAI)
#: A term without an end. Later than any other day, so that the longest of several is their maximum.
FOR_GOOD = date.max
#: The same as a number of days.
FOR_GOOD_DAYS = 1_000_000
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Strikes:
    """How many different *mails* on how many different *days* within *window_days* block."""

    mails: int
    days: int
    window_days: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The lengths of terms in *days*, growing; after the last, for good. *strikes* start them."""

    days: Sequence[int]
    strikes: Strikes

    def next_after(self, days: int) -> int:
        """Give the term that follows one of *days*; 0 stands for none yet."""
        return next((longer for longer in self.days if longer > days), FOR_GOOD_DAYS)


def last_day(at: float, days: int) -> date:
    """Give the last day of a term of *days* that begins *at* (epoch seconds)."""
    if days >= FOR_GOOD_DAYS:
        return FOR_GOOD
    try:
        return (_EPOCH + timedelta(days=days, seconds=at)).date()
    except (OverflowError, ValueError):  # beyond the calendar
        return FOR_GOOD


def expire_date(until: date, *, now: float) -> date | None:
    """
    Give the day to tell Tencent, None for good, as of *now* (epoch seconds).

    At least tomorrow: a day that is over already is refused, and for today nobody says whether it
    still counts.
    """
    return None if until == FOR_GOOD else max(until, last_day(now, 1))
