"""How long a message waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.redelivery import MAX_WAIT_SECONDS, wait_seconds


@pytest.mark.parametrize(
    ("receive_count", "seconds"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (300, 900)],
)
def test_wait_doubles_to_a_quarter_of_an_hour(receive_count: int, seconds: int) -> None:
    assert wait_seconds(receive_count, first=30, spread=1) == seconds


@pytest.mark.parametrize(("spread", "seconds"), [(1, 900), (1.1, 990), (1.25, 1125)])
def test_spread_comes_on_top_of_the_longest_wait(spread: float, seconds: int) -> None:
    """Cut off at the longest, it would send together what failed together."""
    assert wait_seconds(300, first=30, spread=spread) == seconds


@pytest.mark.parametrize("receive_count", [-1, 0, 1])
def test_message_without_receives_waits_as_after_its_first(receive_count: int) -> None:
    assert wait_seconds(receive_count, first=30, spread=1) == 30


def test_first_wait_is_never_over_the_longest() -> None:
    assert wait_seconds(1, first=5000, spread=1) == MAX_WAIT_SECONDS


@given(
    st.integers(),
    st.floats(min_value=1, max_value=1e9),
    st.floats(min_value=1, max_value=1.25),
)
def test_wait_is_one_that_sqs_takes(receive_count: int, first: float, spread: float) -> None:
    """SQS takes whole seconds up to 12 hours, and 0 would mean at once."""
    seconds = wait_seconds(receive_count, first=first, spread=spread)

    assert 1 <= seconds <= 1.25 * MAX_WAIT_SECONDS
