"""
Runs the model.

`make soak MINUTES=30` runs it for long, with new examples every time; so does
`HYPOTHESIS_PROFILE=soak` with pytest, for a number of them.
"""

import os

from hypothesis import HealthCheck, settings

from tests.model.machine import MailModel

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
