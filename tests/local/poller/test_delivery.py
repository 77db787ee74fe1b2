"""What becomes of a batch, by the function's answer."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from local.poller.counters import Counts
from local.poller.delivery import Delivery
from local.poller.shared import Shared
from local.poller.targets import InvocationError, Invoke, ThrottledError
from tests.local.poller.builders import FakeOutbox, FakeTime, make_received

BATCH = [make_received("m-1"), make_received("m-2"), make_received("m-3")]
NAMES = ["m-1", "m-2", "m-3"]


def make_delivery(
    invoke: Invoke,
    *,
    outbox: FakeOutbox,
    time: FakeTime | None = None,
    reports_item_failures: bool = True,
) -> tuple[Delivery, Shared]:
    shared = (time or FakeTime()).share()
    delivery = Delivery(
        outbox,
        invoke=invoke,
        reports_item_failures=reports_item_failures,
        visibility_seconds=30,
        shared=shared,
    )
    return delivery, shared


def answering(answer: object, error: str | None = None) -> Invoke:
    return lambda _: (json.dumps(answer).encode(), error)


def failing(*ids: str) -> Invoke:
    return answering({"batchItemFailures": [{"itemIdentifier": id_} for id_ in ids]})


def settle(invoke: Invoke, **options: Any) -> tuple[list[str], Counts]:  # noqa: ANN401 - as make_delivery
    outbox = options.setdefault("outbox", FakeOutbox())
    delivery, shared = make_delivery(invoke, **options)
    delivery.deliver(BATCH)
    return outbox.deleted, shared.counters.read()


def test_function_gets_the_records_of_the_batch() -> None:
    events: list[Mapping[str, Any]] = []

    def invoke(event: Mapping[str, Any]) -> tuple[bytes, None]:
        events.append(event)
        return b"null", None

    settle(invoke)

    assert events == [{"Records": [message.record for message in BATCH]}]


def test_successful_messages_are_deleted() -> None:
    deleted, counts = settle(failing())

    assert deleted == NAMES
    assert counts == Counts(invoked=3, deleted=3)


def test_reported_messages_are_left_alone() -> None:
    deleted, counts = settle(failing("m-2"))

    assert deleted == ["m-1", "m-3"]
    assert counts == Counts(invoked=3, failed_invoke=1, deleted=2)


def test_function_error_leaves_the_whole_batch() -> None:
    """Whatever the answer's body says."""
    deleted, counts = settle(answering({"batchItemFailures": []}, "Unhandled"))

    assert deleted == []
    assert counts == Counts(invoked=3, failed_invoke=3)


def test_without_item_failures_the_answer_is_not_looked_at() -> None:
    deleted, _ = settle(failing("m-2"), reports_item_failures=False)

    assert deleted == NAMES


def test_without_item_failures_a_function_error_still_counts() -> None:
    deleted, _ = settle(answering(None, "Unhandled"), reports_item_failures=False)

    assert deleted == []


def test_invocation_that_fails_leaves_the_whole_batch() -> None:
    deleted, counts = settle(raising(InvocationError("EndpointConnectionError")))

    assert deleted == []
    assert counts == Counts(invoked=3, failed_invoke=3)


def test_message_that_cannot_be_deleted_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    _, counts = settle(failing(), outbox=FakeOutbox(undeletable=frozenset({"m-2"})))

    assert counts == Counts(invoked=3, deleted=2, undeleted=1)
    assert counts.failed == 1
    assert "m-2" in caplog.text


def test_throttled_batch_is_tried_again_later() -> None:
    time = FakeTime()
    deleted, counts = settle(raising(ThrottledError(), times=3), time=time)

    assert deleted == NAMES
    assert counts == Counts(invoked=3, deleted=3)
    assert time.pauses == [0.25, 0.5, 1.0]


def test_throttled_batch_is_dropped_when_its_visibility_ends() -> None:
    time = FakeTime()
    deleted, counts = settle(raising(ThrottledError()), time=time)

    assert deleted == []
    assert counts == Counts(dropped=3)
    assert 30 <= time.now < 45


def test_younger_messages_of_a_throttled_batch_are_still_delivered() -> None:
    time = FakeTime(now=29.9)
    outbox = FakeOutbox()
    delivery, shared = make_delivery(raising(ThrottledError(), times=1), outbox=outbox, time=time)

    delivery.deliver([make_received("old"), make_received("young", received_at=29.0)])

    assert outbox.deleted == ["young"]
    assert shared.counters.read() == Counts(invoked=1, deleted=1, dropped=1)


def test_throttled_batch_is_not_tried_again_when_stopping() -> None:
    time = FakeTime(stops_at=0.0)
    _, counts = settle(raising(ThrottledError()), time=time)

    assert counts == Counts(dropped=3)
    assert time.pauses == [0.25]


def test_messages_past_their_visibility_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    """They were invoked with in time, but SQS hands them out again: they are processed twice."""
    time = FakeTime(now=25.0)

    def invoke(_: Mapping[str, Any]) -> tuple[bytes, None]:
        time.now += 5.0
        return b"null", None

    outbox = FakeOutbox()
    delivery, shared = make_delivery(invoke, outbox=outbox, time=time)
    with caplog.at_level(logging.WARNING):
        delivery.deliver([make_received("old"), make_received("young", received_at=1.0)])

    assert shared.counters.read() == Counts(invoked=2, deleted=2, overdue=1)
    assert "old" in caplog.text
    assert "young" not in caplog.text


def test_batch_that_waited_past_its_visibility_is_invoked_all_the_same() -> None:
    """As on AWS, where the window eats into the visibility timeout."""
    deleted, counts = settle(failing(), time=FakeTime(now=60.0))

    assert deleted == NAMES
    assert counts.overdue == 3


@pytest.mark.parametrize(
    ("invoke", "undeletable"),
    [(failing(), ""), (failing("m-2"), "m-1"), (failing("m-9"), ""), (answering(None), "m-3")],
)
def test_every_message_is_settled_once(invoke: Invoke, undeletable: str) -> None:
    _, counts = settle(invoke, outbox=FakeOutbox(undeletable=frozenset({undeletable})))

    assert counts.deleted + counts.failed + counts.dropped == len(BATCH)
    assert counts.settled == len(BATCH)


def raising(error: Exception, *, times: int | None = None) -> Invoke:
    """Return a target that raises *error* the first so many *times*, or always."""
    calls: list[object] = []

    def invoke(_: Mapping[str, Any]) -> tuple[bytes, None]:
        calls.append(None)
        if times is None or len(calls) <= times:
            raise error
        return b"null", None

    return invoke
