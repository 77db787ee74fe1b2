"""What a mapping may say."""

from dataclasses import replace
from typing import Any

import pytest

from local.poller.mapping import Mapping, RefusedToStartError, check, refusals, to_mapping

MAPPING = Mapping(
    uuid="11111111-2222-3333-4444-555555555555",
    queue_arn="arn:aws:sqs:ap-southeast-1:000000000000:queue",
    function_arn="arn:aws:lambda:ap-southeast-1:000000000000:function:function",
    role_arn="arn:aws:iam::000000000000:role/role",
    function_timeout_seconds=60,
    batch_size=10_000,
    window_seconds=60,
    max_concurrency=2,
    reports_item_failures=True,
    has_filters=False,
)
FIFO = MAPPING.queue_arn + ".fifo"


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (replace(MAPPING, batch_size=0), "BatchSize must be 1 to 10000"),
        (replace(MAPPING, batch_size=10_001), "BatchSize must be 1 to 10000"),
        (replace(MAPPING, window_seconds=-1), "window must be 0 to 300"),
        (replace(MAPPING, window_seconds=301), "window must be 0 to 300"),
        (replace(MAPPING, batch_size=11, window_seconds=0), "over 10 needs a batching window"),
        (replace(MAPPING, queue_arn=FIFO, batch_size=10), "FIFO"),
        (replace(MAPPING, queue_arn=FIFO, batch_size=11, window_seconds=0), "FIFO"),
        (replace(MAPPING, max_concurrency=1), "MaximumConcurrency must be 2 to 1000"),
        (replace(MAPPING, max_concurrency=1001), "MaximumConcurrency must be 2 to 1000"),
        (replace(MAPPING, function_timeout_seconds=421), "less than the function's timeout"),
        (replace(MAPPING, has_filters=True), "FilterCriteria are not supported"),
    ],
)
def test_what_aws_refuses_does_not_start(mapping: Mapping, sentence: str) -> None:
    with pytest.raises(RefusedToStartError, match=sentence):
        check(mapping, visibility_seconds=420)


@pytest.mark.parametrize(
    "mapping",
    [
        MAPPING,
        replace(MAPPING, batch_size=1),
        replace(MAPPING, batch_size=10, window_seconds=0),
        replace(MAPPING, window_seconds=300),
        replace(MAPPING, queue_arn=FIFO, batch_size=10, window_seconds=0),
        replace(MAPPING, max_concurrency=None),
        replace(MAPPING, max_concurrency=1000),
        replace(MAPPING, function_timeout_seconds=420),
    ],
)
def test_what_aws_takes_starts(mapping: Mapping) -> None:
    assert refusals(mapping, visibility_seconds=420) == []


def test_all_reasons_are_given() -> None:
    with pytest.raises(RefusedToStartError) as error:
        check(replace(MAPPING, batch_size=0, max_concurrency=1), visibility_seconds=420)

    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(("visibility_seconds", "warns"), [(419, True), (420, False)])
def test_short_visibility_is_warned_of(visibility_seconds: int, *, warns: bool) -> None:
    """6 x 60 + 60 = 420."""
    warning = check(MAPPING, visibility_seconds=visibility_seconds)

    assert (warning is not None) == warns
    assert not warns or "420 s" in str(warning)


@pytest.mark.parametrize(
    ("max_concurrency", "collectors", "in_flight"),
    [(2, 2, 2), (5, 5, 5), (6, 5, 6), (1000, 5, 1000), (None, 5, 1000)],
)
def test_five_batches_at_most_are_collected_side_by_side(
    max_concurrency: int | None, collectors: int, in_flight: int
) -> None:
    mapping = replace(MAPPING, max_concurrency=max_concurrency)

    assert mapping.collectors == collectors
    assert mapping.max_in_flight == in_flight


def test_what_the_mapping_does_not_say_has_the_documented_default() -> None:
    answer: Any = {"UUID": "u", "EventSourceArn": MAPPING.queue_arn, "FunctionArn": "f"}
    function: Any = {"Role": "r", "Timeout": 3}

    mapping = to_mapping(answer, function)

    assert mapping.batch_size == 10
    assert mapping.window_seconds == 0
    assert mapping.max_concurrency is None
    assert not mapping.reports_item_failures
    assert not mapping.has_filters
