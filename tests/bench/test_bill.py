"""A month's dollars."""

from dataclasses import replace

import pytest

from bench.bill import IDLE_POLLS, METRICS, SQS_REQUEST, Measured, make_bill
from functions.blocklist.adapters.policies import load_policy

MEASURED = Measured(
    door_seconds=0.002,
    door_log_bytes=244,
    consumer_seconds_per_event=8e-6,
    consumer_log_bytes=600,
    ledger_seconds_per_event=0.0015,
    write_units_per_event=2,
    bytes_kept_per_event=1000,
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


def test_ledger_is_billed_by_what_it_writes_and_by_what_it_has_kept_for_thirteen_months() -> None:
    bill = make_bill(20_000_000, MEASURED, alarms=0)

    assert bill.items["ledger's writes"] == pytest.approx(2 * 0.625)
    assert bill.items["what the ledger keeps"] == pytest.approx(13.15 * 0.45, rel=0.001)


def test_idle_load_balancer_costs_its_hours_and_its_addresses() -> None:
    bill = make_bill(0, MEASURED, alarms=0)

    assert bill.doors["load balancer"] == pytest.approx(730 * (0.0225 + 2 * 0.005))


def test_metrics_are_counted_as_they_are_written() -> None:
    """A rule more is a metric more."""
    assert METRICS["decisions by rule"] == len(load_policy("strict.toml").rules)


def test_consumer_is_invoked_no_more_than_the_windows_allow() -> None:
    """That is why it costs the same for ten times the mail, and the naive one does not."""
    without_ledger = replace(MEASURED, ledger_seconds_per_event=0)
    some, many = (make_bill(mails, without_ledger, alarms=0) for mails in (3_000_000, 30_000_000))

    assert many.items["block_recipients"] < 1.1 * some.items["block_recipients"]
    assert many.naive == pytest.approx(10 * some.naive)
