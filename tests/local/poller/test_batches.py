"""The rules that close a batch, at their limits."""

from collections import deque

import pytest

from local.poller.batches import MAX_PAYLOAD_BYTES, Batch, Window, WindowStart
from local.poller.records import serialise, to_event
from tests.local.poller.builders import make_received

ENVELOPE = len('{"Records":[]}')


def test_limit_is_the_documented_one() -> None:
    assert MAX_PAYLOAD_BYTES == 6_291_456


def test_batch_takes_no_more_than_its_size() -> None:
    waiting = deque(make_received(f"m-{n}") for n in range(4))
    batch = Batch(max_messages=3)

    took_all = batch.take_from(waiting)

    assert not took_all
    assert batch.room == 0
    assert [message.message_id for message in batch.messages] == ["m-0", "m-1", "m-2"]
    assert [message.message_id for message in waiting] == ["m-3"]


@pytest.mark.parametrize(("excess", "taken"), [(0, 2), (1, 1)])
def test_payload_reaches_six_megabytes_to_the_byte(excess: int, taken: int) -> None:
    """Brackets and commas count; what does not fit waits for the next batch."""
    half = (MAX_PAYLOAD_BYTES - ENVELOPE - 1) // 2
    rest = MAX_PAYLOAD_BYTES - ENVELOPE - 1 - half + excess
    waiting = deque([make_received("m-1", size_bytes=half), make_received("m-2", size_bytes=rest)])
    batch = Batch(max_messages=10)

    took_all = batch.take_from(waiting)

    assert took_all == (taken == 2)
    assert len(batch.messages) == taken
    assert len(waiting) == 2 - taken
    assert len(serialise(to_event(batch.messages))) == (
        MAX_PAYLOAD_BYTES if taken == 2 else half + ENVELOPE
    )


def test_small_message_does_not_overtake_one_that_does_not_fit() -> None:
    large = MAX_PAYLOAD_BYTES // 2 + 1
    waiting = deque(
        [
            make_received("m-1", size_bytes=large),
            make_received("m-2", size_bytes=large),
            make_received("m-3"),
        ]
    )
    batch = Batch(max_messages=10)

    batch.take_from(waiting)

    assert [message.message_id for message in waiting] == ["m-2", "m-3"]


def test_message_too_large_for_any_batch_goes_alone() -> None:
    """Left out for ever it would block the collector."""
    waiting = deque([make_received(size_bytes=MAX_PAYLOAD_BYTES + 1)])
    batch = Batch(max_messages=10)

    assert batch.take_from(waiting)
    assert len(batch.messages) == 1


def test_window_runs_from_the_first_message() -> None:
    assert Window(3).ends_at(opened_at=10.0, first_at=15.0, messages=1) == 18.0


def test_window_of_a_left_over_message_runs_from_the_opening() -> None:
    assert Window(3).ends_at(opened_at=10.0, first_at=2.0, messages=1) == 13.0


@pytest.mark.parametrize("start", WindowStart)
def test_no_window_is_over_at_once(start: WindowStart) -> None:
    assert Window(0, start).ends_at(opened_at=10.0, first_at=15.0, messages=1) == 15.0


@pytest.mark.parametrize(
    ("seconds", "first_at", "messages", "due_at"),
    [
        (60, 15.0, 1, 70.0),  # 60 s after the previous invocation, whenever the message came
        (60, 75.0, 1, 130.0),  # the window before it was over empty
        (2, 11.0, 1, 30.0),  # a quiet queue: up to 20 s
        (2, 11.0, 10, 12.0),  # a busy one
        (60, 15.0, 10, 70.0),
    ],
)
def test_window_as_on_aws_runs_from_the_previous_invocation(
    seconds: int, first_at: float, messages: int, due_at: float
) -> None:
    window = Window(seconds, WindowStart.PREVIOUS_INVOCATION)

    assert window.ends_at(opened_at=10.0, first_at=first_at, messages=messages) == due_at
