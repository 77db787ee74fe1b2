"""Who was blocked for what."""

import pytest

from cli.logic.known import BLOCKED, Event, Known, Outcome
from cli.logic.reports import sum_up
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD

NOON = 1_790_000_000.0


def make_event(reason: str, batch: str, recorded_at: str) -> Event:
    fact = Fact(reason, NOON, Action.BLOCK)
    return Event(fact, {"reason": reason, "batch": batch, "recorded_at": recorded_at})


@pytest.mark.parametrize("second", ["00", "01"])
def test_person_is_blocked_for_what_the_batch_that_blocked_them_decided(second: str) -> None:
    """When an event was recorded is known to the second: a later one may seem to be from before."""
    first = make_event("complaint", "b-1", "2026-09-21T14:13:19+00:00")
    later = make_event("address_gone", "b-2", f"2026-09-21T14:13:{20 + int(second)}+00:00")
    blocked = Outcome("b-1", NOON + 0.7, BLOCKED, FOR_GOOD, "strict@1", "r-1")
    known = Known("jane@example.com", History(), [first, later], [blocked])

    report = sum_up([known], since=NOON - 60, until=NOON + 60)

    assert dict(report.reasons) == {"complaint": 1}
