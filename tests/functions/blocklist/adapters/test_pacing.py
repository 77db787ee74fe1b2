"""Requests evenly spaced, on a clock that only goes forwards."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters.pacing import IntervalPacer
from tests.fakes import FakeClock

NEVER = float("inf")


def test_first_request_starts_at_once() -> None:
    clock = FakeClock()

    started = IntervalPacer(0.25, clock=clock, sleep=clock.sleep).wait(before=NEVER)

    assert started
    assert clock.sleeps == []


def test_starts_are_evenly_spaced() -> None:
    clock = FakeClock()
    pacer = IntervalPacer(0.25, clock=clock, sleep=clock.sleep)

    starts = [clock.now for _ in range(5) if pacer.wait(before=NEVER)]

    assert starts == [1000.0, 1000.25, 1000.5, 1000.75, 1001.0]


def test_time_that_a_request_takes_counts_towards_the_space() -> None:
    """Spacing ends instead of starts would halve the rate for no reason."""
    clock = FakeClock()
    pacer = IntervalPacer(0.5, clock=clock, sleep=clock.sleep)
    pacer.wait(before=NEVER)
    clock.now += 0.375

    pacer.wait(before=NEVER)

    assert clock.sleeps == [0.125]


def test_pause_does_not_save_up_starts() -> None:
    """A warm sandbox that slept for an hour must not send an hour's requests at once."""
    clock = FakeClock()
    pacer = IntervalPacer(0.25, clock=clock, sleep=clock.sleep)
    pacer.wait(before=NEVER)
    clock.now += 3600

    starts = [clock.now for _ in range(3) if pacer.wait(before=NEVER)]

    assert starts == [4600.0, 4600.25, 4600.5]


def test_oversleeping_moves_the_starts_that_follow() -> None:
    clock = FakeClock()

    def oversleep(seconds: float) -> None:
        clock.sleep(seconds + 0.125)

    pacer = IntervalPacer(0.25, clock=clock, sleep=oversleep)

    starts = [clock.now for _ in range(3) if pacer.wait(before=NEVER)]

    assert starts == [1000.0, 1000.375, 1000.75]


@pytest.mark.parametrize(("before", "started"), [(999.0, False), (1000.0, False), (1000.125, True)])
def test_nothing_starts_at_the_end_or_later(before: float, *, started: bool) -> None:
    clock = FakeClock()

    assert IntervalPacer(0.25, clock=clock, sleep=clock.sleep).wait(before=before) is started


@pytest.mark.parametrize(("before", "started"), [(1000.25, False), (1000.375, True)])
def test_start_that_would_come_too_late_is_refused_at_once(before: float, *, started: bool) -> None:
    """The time is needed for handing the rest back."""
    clock = FakeClock()
    pacer = IntervalPacer(0.25, clock=clock, sleep=clock.sleep)
    pacer.wait(before=NEVER)

    assert pacer.wait(before=before) is started
    assert clock.sleeps == [0.25] * started


def test_refused_start_costs_the_next_one_nothing() -> None:
    clock = FakeClock()
    pacer = IntervalPacer(0.25, clock=clock, sleep=clock.sleep)
    pacer.wait(before=NEVER)
    pacer.wait(before=1000.25)

    pacer.wait(before=NEVER)

    assert clock.sleeps == [0.25]


def test_sandbox_that_was_frozen_in_its_sleep_does_not_start_too_late() -> None:
    """It wakes up in another invocation's time, or in none."""
    clock = FakeClock()

    def freeze(seconds: float) -> None:
        clock.sleep(seconds + 600)

    pacer = IntervalPacer(0.25, clock=clock, sleep=freeze)
    pacer.wait(before=NEVER)

    assert not pacer.wait(before=1060.0)


@given(
    st.integers(min_value=1, max_value=20),
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=256), st.integers(min_value=0, max_value=128)),
        max_size=60,
    ),
)
def test_no_second_holds_more_than_the_rate(sixteenths: int, waits: list[tuple[int, int]]) -> None:
    """However long answers take and sleeps last; all in 128ths, which floats hold exactly."""
    interval = sixteenths / 16
    clock, oversleep = FakeClock(), 0.0

    def sleep(seconds: float) -> None:
        clock.sleep(seconds + oversleep)

    pacer = IntervalPacer(interval, clock=clock, sleep=sleep)
    starts = []
    for took, over in waits:
        oversleep = over / 128
        pacer.wait(before=NEVER)
        starts.append(clock.now)
        clock.now += took / 128

    most = math.ceil(1 / Fraction(interval))
    assert all(later - earlier >= interval for earlier, later in pairwise(starts))
    assert all(sum(start <= other < start + 1 for other in starts) <= most for start in starts)
