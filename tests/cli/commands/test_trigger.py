"""`pause` and `resume`: nobody is blocked, nothing is lost, and people know until when."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cli.logic.times import to_the_minute
from tests.cli.running import Account, run

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

pytestmark = pytest.mark.integration

STAGE = ("--stage", "local")


def publish_age(account: Account, seconds: float) -> None:
    """Say how old the oldest event is, as SQS does by itself."""
    cloudwatch: CloudWatchClient = account.aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": account.queue.rpartition("/")[2]}],
                "Timestamp": datetime.now(tz=UTC) - timedelta(seconds=90),
                "Value": seconds,
            }
        ],
    )


def test_paused_stage_blocks_nobody_until_it_is_resumed(account: Account) -> None:
    run("resume", *STAGE)
    assert account.is_trigger_on()

    ran = run("pause", *STAGE)

    assert not account.is_trigger_on()
    assert ran.out.splitlines() == [
        "Stage local is paused: nobody is blocked.",
        "Events that wait: 0; in work, or to come back later: 0. What comes is kept for 10 days.",
        "To go on: ses-blocklist resume --stage local",
    ]


def test_what_waits_is_counted(account: Account) -> None:
    for _ in range(3):
        account.put(account.queue, "{}")
    account.sqs.receive_message(QueueUrl=account.queue)

    ran = run("pause", *STAGE)

    assert ran.out.splitlines()[0] == "Stage local is paused already."
    assert "Events that wait: 2; in work, or to come back later: 1." in ran.out
    assert "Each is kept for 10 days from its arrival" in ran.out


def test_end_of_what_waits_is_told(account: Account) -> None:
    """After that SQS deletes it, and nobody rings."""
    account.put(account.queue, "{}")
    publish_age(account, 2 * 86_400)

    ran = run("pause", *STAGE)

    arrived = time.time() - 2 * 86_400 - 90
    around = {to_the_minute(arrived + 10 * 86_400 + off) for off in (-60, 0, 60)}
    assert any(f"SQS deletes it {moment} UTC." in ran.out for moment in around)


@pytest.mark.parametrize(
    ("first", "command", "told"),
    [("resume", "pause", "would be paused"), ("pause", "resume", "would go on")],
)
def test_dry_run_switches_nothing(account: Account, first: str, command: str, told: str) -> None:
    run(first, *STAGE)
    before = account.is_trigger_on()

    ran = run(command, *STAGE, "--dry-run")

    assert account.is_trigger_on() is before
    assert told in ran.out


def test_stage_that_goes_on_anyway_is_no_mistake(account: Account) -> None:
    run("resume", *STAGE)

    ran = run("resume", *STAGE)

    assert "Stage local is not paused." in ran.out
    assert ran.code == 0
    assert account.is_trigger_on()
