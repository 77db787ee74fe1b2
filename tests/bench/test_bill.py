"""A month's dollars."""

import pytest

from bench.bill import IDLE_POLLS, SQS_REQUEST, Measured, make_bill

MEASURED = Measured(
    door_seconds=0.002,
    door_log_bytes=244,
    consumer_seconds_per_event=8e-6,
    consumer_log_bytes=600,
    naive_seconds_per_event=0.013,
)


def test_idle_stack_costs_its_polls_and_what_watches_it() -> None:
    bill = make_bill(0, MEASURED, alarms=3.6)

    assert bill.total == pytest.approx(IDLE_POLLS * SQS_REQUEST + 3.6 + 3.0)


def test_door_is_billed_by_the_share_of_a_core_that_its_memory_brings() -> None:
    """256 MB bring a seventh of a core: two milliseconds of CPU last fourteen."""
    bill = make_bill(1_000_000, MEASURED, alarms=0)

    seconds = 0.002 * 1769 / 256
    assert bill.items["receive_callback"] == pytest.approx(
        0.20 + 1_000_000 * seconds * 0.25 * 0.0000133334
    )


def test_consumer_is_invoked_no_more_than_the_windows_allow() -> None:
    """That is why it costs the same for ten times the mail, and the naive one does not."""
    some, many = (make_bill(mails, MEASURED, alarms=0) for mails in (3_000_000, 30_000_000))

    assert many.items["block_recipients"] < 1.1 * some.items["block_recipients"]
    assert many.naive == pytest.approx(10 * some.naive)
