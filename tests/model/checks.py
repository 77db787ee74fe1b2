"""What must hold of one invocation's answer, and of what it counted."""

import json
from collections.abc import Mapping
from typing import Any


def check_answer(answer: bytes, batch_ids: set[str]) -> None:
    """Take no answer that AWS would judge as a whole."""
    failures = json.loads(answer)["batchItemFailures"]
    assert {failure["itemIdentifier"] for failure in failures} <= batch_ids


def check_metrics(
    metrics: Mapping[str, Any], *, records: int, requests: int, asked: int | None, failed: int
) -> None:
    """
    Compare the published sums with each other, and with what was seen from outside.

    *asked* is None where somebody may have been asked for twice, as others had come between.
    """
    value = {name: number[0] for name, number in metrics.items() if isinstance(number, list)}
    outcomes = ("Accepted", "Ignored", "Retried", "DeadLettered")
    assert value["Received"] == records == sum(value[name] for name in outcomes)
    answers = ("Added", "Repeated", "Refused", "Uncounted")
    assert value["Sent"] == sum(value[name] for name in answers)
    assert value["ApiRequests"] == requests
    if asked is not None and not value["Retried"]:
        assert value["Sent"] == asked
    assert value["Retried"] >= failed  # one message may be in a batch twice
    assert bool(value["Retried"]) == bool(failed)
