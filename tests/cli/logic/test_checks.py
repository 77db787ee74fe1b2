"""What doctor finds wrong: each of these loses mail, or lets somebody in, without a word."""

import json
from dataclasses import replace

import pytest

from cli.logic.checks import State, Wiring, check_clock, check_door, check_wiring

DAY = 86_400
GOOD = Wiring(
    queue={
        "VisibilityTimeout": "420",
        "MessageRetentionPeriod": str(10 * DAY),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:dead", "maxReceiveCount": 300}),
    },
    dead_letter_queue={"QueueArn": "arn:dead", "MessageRetentionPeriod": str(14 * DAY)},
    timeout_seconds=60,
    window_seconds=60,
    max_concurrency=2,
    reports_item_failures=True,
    requests_per_second=5,
)


def states(wiring: Wiring) -> dict[str, State]:
    return {finding.name: finding.state for finding in check_wiring(wiring, stage="dev")}


def test_stage_as_deployed_has_nothing_to_mend() -> None:
    assert set(states(GOOD).values()) == {State.OK}


@pytest.mark.parametrize(
    ("name", "state", "wiring"),
    [
        (
            "visibility",
            State.WARNING,
            replace(GOOD, queue={**GOOD.queue, "VisibilityTimeout": "419"}),
        ),
        ("visibility", State.FAULT, replace(GOOD, queue={**GOOD.queue, "VisibilityTimeout": "59"})),
        (
            "dead-letter queue",
            State.FAULT,
            replace(GOOD, queue={**GOOD.queue, "RedrivePolicy": "{}"}),
        ),
        (
            "dead-letter queue",
            State.FAULT,
            replace(GOOD, dead_letter_queue={**GOOD.dead_letter_queue, "QueueArn": "arn:other"}),
        ),
        (
            "retention",
            State.FAULT,
            replace(
                GOOD,
                dead_letter_queue={
                    **GOOD.dead_letter_queue,
                    "MessageRetentionPeriod": str(10 * DAY),
                },
            ),
        ),
        ("partial failures", State.FAULT, replace(GOOD, reports_item_failures=False)),
        ("requests a second", State.FAULT, replace(GOOD, max_concurrency=None)),
        ("requests a second", State.WARNING, replace(GOOD, requests_per_second=5.5)),
    ],
)
def test_only_what_is_wrong_is_found(name: str, state: State, wiring: Wiring) -> None:
    found = states(wiring)

    assert found.pop(name) == state
    assert set(found.values()) == {State.OK}


def test_what_is_wrong_comes_with_how_it_is_mended() -> None:
    broken = replace(GOOD, reports_item_failures=False, max_concurrency=None, requests_per_second=9)

    found = check_wiring(broken, stage="dev")

    assert all(finding.mend for finding in found if finding.state is not State.OK)


@pytest.mark.parametrize(
    ("off", "state"),
    [(0, State.OK), (59, State.OK), (-61, State.WARNING), (301, State.FAULT), (-301, State.FAULT)],
)
def test_clock_matters_as_tencent_minds_it(off: float, state: State) -> None:
    assert check_clock(1000 + off, 1000).state is state


@pytest.mark.parametrize(
    ("right", "wrong", "state", "told"),
    [
        (200, 404, State.OK, "answers 200"),
        (200, 200, State.FAULT, "anybody can get people blocked"),
        (200, "Timeout", State.FAULT, "Timeout to a wrong token"),
        (404, 404, State.FAULT, "answers 404"),
        (503, 503, State.FAULT, "answers 503"),
        (403, 403, State.FAULT, "answers 403"),
        ("ConnectTimeout", "ConnectTimeout", State.FAULT, "does not answer from here"),
    ],
)
def test_door_must_open_to_the_right_token_only(
    right: int | str, wrong: int | str, state: State, told: str
) -> None:
    finding = check_door(right, wrong, stage="dev")

    assert (finding.state, told in finding.told) == (state, True)
    assert bool(finding.mend) is (state is not State.OK)
