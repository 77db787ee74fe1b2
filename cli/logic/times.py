"""Moments as people read them. They are UTC, unless they are Tencent's own texts."""

from datetime import UTC, date, datetime, timedelta, timezone

#: Tencent's dates are local to it; China has had no summer time since 1991.
SHANGHAI = timezone(timedelta(hours=8))


def to_the_minute(timestamp: float) -> str:
    """Give a moment, in epoch seconds, as text."""
    return f"{datetime.fromtimestamp(timestamp, tz=UTC):%Y-%m-%d %H:%M}"


def iso(timestamp: float) -> str:
    """Give a moment, in epoch seconds, as programs read it."""
    return datetime.fromtimestamp(timestamp, tz=UTC).isoformat(timespec="seconds")


def day_in_shanghai(timestamp: float) -> date:
    """Give the day that it is for Tencent."""
    return datetime.fromtimestamp(timestamp, tz=SHANGHAI).date()
