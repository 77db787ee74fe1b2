"""How long a block lasts."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.terms import (
    DAY_SECONDS,
    FOR_GOOD,
    FOR_GOOD_DAYS,
    SHANGHAI,
    Strikes,
    Terms,
    expire_date,
    last_day,
)

TERMS = Terms((7, 30, 180), Strikes(mails=3, days=3, window_days=30))
#: Late on the 1st in Greenwich, early on the 2nd in Shanghai.
EVENING = datetime(2026, 3, 1, 17, 0, tzinfo=UTC).timestamp()

moments = st.floats(min_value=0, max_value=253_402_300_799)


@pytest.mark.parametrize(
    ("days", "longer"),
    [(0, 7), (7, 30), (10, 30), (30, 180), (180, FOR_GOOD_DAYS), (400, FOR_GOOD_DAYS)],
)
def test_each_further_term_is_longer(days: int, longer: int) -> None:
    """An address that bounces again each time it is free must not be asked for ever."""
    assert TERMS.next_after(days) == longer


def test_days_are_chinese_days() -> None:
    """Tencent's console and its other dates are; a day too early would free somebody too early."""
    assert last_day(EVENING, 0) == date(2026, 3, 2)
    assert last_day(EVENING, 30) == date(2026, 4, 1)


def test_term_for_good_has_no_end() -> None:
    assert last_day(EVENING, FOR_GOOD_DAYS) == FOR_GOOD


@pytest.mark.parametrize("at", [253_402_300_799.0, 1e18, float("inf"), float("nan")])
def test_term_beyond_the_calendar_has_no_end_either(at: float) -> None:
    """A callback may claim any time; one that raised would come back with its batch 300 times."""
    assert last_day(at, 30) == FOR_GOOD


@given(moments, st.integers(min_value=0, max_value=36_500))
def test_longer_terms_never_end_sooner(at: float, days: int) -> None:
    """The longest of several is taken to be the one that ends last."""
    assert last_day(at, days) <= last_day(at, days + 1) <= FOR_GOOD


def test_block_for_good_has_no_day_to_tell() -> None:
    assert expire_date(FOR_GOOD, now=EVENING) is None


@pytest.mark.parametrize(
    ("until", "told"),
    [
        (date(2026, 2, 1), date(2026, 3, 3)),
        (date(2026, 3, 1), date(2026, 3, 3)),
        (date(2026, 3, 2), date(2026, 3, 3)),
        (date(2026, 3, 3), date(2026, 3, 3)),
        (date(2026, 3, 4), date(2026, 3, 4)),
    ],
)
def test_day_to_tell_is_tomorrow_in_shanghai_at_the_earliest(until: date, told: date) -> None:
    """
    Tencent answers `WrongDate` for a day that is over, and holds up the whole request.

    In Shanghai it is the 2nd already: tomorrow in Greenwich would be today there.
    """
    assert expire_date(until, now=EVENING) == told


@given(st.dates(max_value=date(9999, 12, 30)), moments.filter(lambda now: now < 253_000_000_000))
def test_day_to_tell_is_never_over_when_it_is_told(until: date, now: float) -> None:
    today = datetime.fromtimestamp(now, SHANGHAI).date()

    told = expire_date(until, now=now)

    assert told is not None
    assert told >= max(until, datetime.fromtimestamp(now + DAY_SECONDS, SHANGHAI).date()) > today
