"""Figures that a busy machine changes little."""

import pytest

from bench.measure import Ratio, compare, percentile


def test_rounds_are_compared_each_by_itself() -> None:
    """A neighbour that doubles both halves of a round must not show."""
    ratio = Ratio.of([1.0, 20.0, 3.0], [1.0, 10.0, 1.0])

    assert (ratio.value, ratio.low, ratio.high) == (2.0, 1.5, 2.5)
    assert (ratio.ours, ratio.theirs) == (3.0, 1.0)


def test_both_take_turns() -> None:
    ran: list[str] = []

    compare(lambda: _work(ran, "ours"), lambda: _work(ran, "theirs"), rounds=3)

    assert ran[2:] == ["theirs", "ours"] * 3


@pytest.mark.parametrize(("percent", "value"), [(50, 50.5), (95, 95.05)])
def test_percentile_leaves_the_rest_above(percent: int, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], percent) == pytest.approx(value)


def _work(ran: list[str], name: str) -> int:
    ran.append(name)
    return sum(range(99_999))
