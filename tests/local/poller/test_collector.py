"""Batches over time, on a clock that only waiting moves."""

import pytest

from local.poller.batches import MAX_PAYLOAD_BYTES, Window
from local.poller.collector import Collector
from local.poller.consumer_queue import QueueError
from local.poller.shared import Shared
from tests.local.poller.builders import FakeInbox, FakeTime


def make_collector(
    inbox: FakeInbox, *, max_messages: int = 1000, window_seconds: int = 3
) -> tuple[Collector, Shared]:
    shared = inbox.time.share()
    collector = Collector(
        inbox, max_messages=max_messages, window=Window(window_seconds), shared=shared
    )
    return collector, shared


def collect(collector: Collector) -> list[str]:
    return [message.message_id for message in collector.next_batch()]


def test_window_brings_together_what_comes_one_by_one() -> None:
    """Five messages, half a second apart: ministack itself makes five batches of them."""
    time = FakeTime()
    inbox = FakeInbox(time, [(10 + n / 2, f"m-{n}") for n in range(5)])
    collector, _ = make_collector(inbox)

    assert collect(collector) == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    assert time.now == pytest.approx(13.0)


def test_message_after_the_window_opens_the_next_batch() -> None:
    inbox = FakeInbox(FakeTime(), [(1.0, "m-1"), (4.5, "m-2")])
    collector, _ = make_collector(inbox)

    assert collect(collector) == ["m-1"]
    assert collect(collector) == ["m-2"]


def test_full_batch_does_not_wait_for_the_window() -> None:
    time = FakeTime()
    inbox = FakeInbox(time, [(1.0, f"m-{n}") for n in range(30)])
    collector, _ = make_collector(inbox, max_messages=25)

    assert len(collect(collector)) == 25
    assert time.now == 1.0


def test_no_more_is_received_than_the_batch_has_room_for() -> None:
    """What cannot be invoked must not sit here while its visibility runs out."""
    inbox = FakeInbox(FakeTime(), [(0.0, f"m-{n}") for n in range(30)])
    collector, _ = make_collector(inbox, max_messages=14)

    collect(collector)

    assert [asked for asked, _ in inbox.receives] == [10, 4]
    assert len(inbox.arrivals) == 16


def test_without_a_window_one_receive_is_one_batch() -> None:
    inbox = FakeInbox(FakeTime(), [(5.0, "m-1"), (5.0, "m-2"), (5.1, "m-3")])
    collector, _ = make_collector(inbox, max_messages=10, window_seconds=0)

    assert collect(collector) == ["m-1", "m-2"]


def test_record_over_six_megabytes_opens_the_next_batch() -> None:
    """None is lost at the cut, nor is their order."""
    inbox = FakeInbox(
        FakeTime(), [(0.0, f"m-{n}") for n in range(10)], size_bytes=MAX_PAYLOAD_BYTES // 4
    )
    collector, shared = make_collector(inbox)

    batches = [collect(collector) for _ in range(4)]

    assert [len(batch) for batch in batches] == [3, 3, 3, 1]
    assert [name for batch in batches for name in batch] == [f"m-{n}" for n in range(10)]
    assert not collector.has_leftover
    assert shared.counters.read().polled == 10


def test_receive_never_waits_longer_than_the_rest_of_the_window() -> None:
    time = FakeTime()
    collector, _ = make_collector(FakeInbox(time, [(0.0, "m-1"), (0.7, "m-2")]), window_seconds=2)

    collect(collector)

    assert time.now == pytest.approx(2.0)


def test_stop_hands_over_what_is_buffered() -> None:
    time = FakeTime(stops_at=1.0)
    collector, _ = make_collector(FakeInbox(time, [(0.5, "m-1")]), window_seconds=60)

    assert collect(collector) == ["m-1"]
    assert time.now < 3


def test_stop_hands_over_what_was_left_over() -> None:
    time = FakeTime()
    inbox = FakeInbox(time, [(0.0, "m-1"), (0.0, "m-2")], size_bytes=MAX_PAYLOAD_BYTES // 2 + 1)
    collector, _ = make_collector(inbox)
    collect(collector)
    time.stops_at = time.now

    assert collector.has_leftover
    assert collect(collector) == ["m-2"]
    assert not collector.has_leftover


def test_stop_with_nothing_buffered_ends_with_nothing() -> None:
    collector, _ = make_collector(FakeInbox(FakeTime(stops_at=5.0)))

    assert collect(collector) == []


def test_collecting_outlives_a_queue_that_cannot_be_read() -> None:
    time = FakeTime()
    fails = iter([True] * 8)

    def disturb() -> None:
        if next(fails, False):
            raise QueueError("AccessDenied")

    collector, shared = make_collector(FakeInbox(time, [(0.0, "m-1")], disturb=disturb))

    assert collect(collector) == ["m-1"]
    assert time.pauses[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    assert shared.counters.read().receive_errors == 8
    assert shared.counters.read().polled == 1
