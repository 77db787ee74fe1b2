"""
Runs the model.

`make soak MINUTES=30` runs it for long, with new examples every time; so does
`HYPOTHESIS_PROFILE=soak` with pytest, for a number of them.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.model.machine import MailModel
from tests.model.world import NO_FAULTS

#: Counting lines takes as long as the model itself, and other tests reach each of them.
pytestmark = pytest.mark.no_cover

_EVERY = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PROFILES = {
    "normal": settings(
        _EVERY, max_examples=500, stateful_step_count=30, derandomize=True, database=None
    ),
    "soak": settings(_EVERY, max_examples=10_000, stateful_step_count=60),
}

TestMailModel = MailModel.TestCase
TestMailModel.settings = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "normal")]


def test_full_batch_about_as_many_mails_gets_through_while_the_table_is_slow() -> None:
    """Each is counted by its mail first: were that all or nothing, it would come back for ever."""
    model = MailModel()
    model.start(refuses_only_bad=True)
    for _ in range(40):
        model.bounce_many(number=40)

    model.deliver_all(seconds=1.0, place=0, faults=NO_FAULTS)
    model.wait(seconds=100.0)

    assert model.tencent.blocked
    assert len(model.tencent.blocked) < len(model.claims.events)
    model.teardown()
