"""When a figure is good enough."""

import pytest

from bench.rows import Row, Target, Verdict, at_least, at_most, exactly


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (at_most(1.2), 1.2, Verdict.MET),
        (at_most(1.2), 1.21, Verdict.MISSED),
        (at_least(300), 300, Verdict.MET),
        (at_least(300), 299, Verdict.MISSED),
        (exactly(1), 1.0, Verdict.MET),
        (exactly(1), 1.01, Verdict.MISSED),
        (None, 7, Verdict.PRINTED),
    ],
    ids=str,
)
def test_verdict_is_by_the_target(target: Target | None, value: float, verdict: Verdict) -> None:
    assert Row("any", value, target=target).verdict is verdict


@pytest.mark.parametrize("exact", [True, False])
def test_only_exact_rows_fail_the_run(*, exact: bool) -> None:
    """A ratio may be missed because the machine was busy; a count may not."""
    row = Row("any", 2, target=exactly(1), exact=exact)

    assert row.fails_the_run is exact


def test_exact_row_that_is_met_fails_nothing() -> None:
    assert not Row("any", 1, target=exactly(1), exact=True).fails_the_run
