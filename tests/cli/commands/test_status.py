"""`status` and `watch`: what CloudWatch and the queues say, in one look."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from cli import bootstrap
from tests.cli.running import Account, run

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

pytestmark = pytest.mark.integration

STAGE = ("--stage", "local")


@pytest.fixture
def count(account: Account) -> Callable[..., None]:
    """Count something as the functions do."""
    cloudwatch: CloudWatchClient = account.aws.client("cloudwatch")

    def put(
        name: str, value: int, service: str = "block_recipients", *, hours_ago: int = 0
    ) -> None:
        cloudwatch.put_metric_data(
            Namespace="SesBlocklist",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "service", "Value": service}],
                    "Timestamp": datetime.now(tz=UTC) - timedelta(hours=hours_ago, minutes=2),
                    "Value": value,
                }
            ],
        )

    return put


def test_stage_at_rest_is_shown_with_what_to_do(account: Account) -> None:
    account.put(account.queue, "{}")
    account.put(account.dead_letter_queue, "{}")

    ran = run("status", *STAGE)

    table = [line.rstrip() for line in ran.out.splitlines()]
    assert table[0] == "Stage local: paused"
    assert table[2].split() == ["last", "24", "hours,", "all", "stages", "number"]
    assert table[-7:-3] == [
        "events waiting                                  1",
        "events in work, or hidden until they come back  0",
        "dead letters                                    1",
        table[-4],
    ]
    assert table[-2:] == [
        "Paused: nobody is blocked until ses-blocklist resume --stage local",
        "Dead letters wait for a person: ses-blocklist dead-letters list --stage local",
    ]
    assert ran.code == 0


def test_numbers_are_those_of_the_hours_asked_for(
    account: Account, count: Callable[..., None]
) -> None:
    before = run("status", *STAGE, "--hours", "1", "--json").json
    count("Received", 1200)
    count("Accepted", 1000)
    count("Accepted", 7, hours_ago=5)
    count("ConfigurationErrors", 2, hours_ago=5)

    after = run("status", *STAGE, "--hours", "1", "--json").json
    day = run("status", *STAGE, "--json").json

    assert after["counts"]["Received"] - before["counts"]["Received"] == 1200
    assert after["counts"]["Accepted"] - before["counts"]["Accepted"] == 1000
    assert day["counts"]["Accepted"] - after["counts"]["Accepted"] == 7
    assert "A setting stood in the way" in day["hints"][0]
    assert not any("Tencent refuses" in hint for hint in after["hints"])
    assert (after["blocking"], after["dry_run"], after["hours"]) == (False, False, 1)
    assert account.is_trigger_on() is False


def test_every_number_has_its_row(account: Account, count: Callable[..., None]) -> None:
    del account
    for name in ("Events", "Unavailable", "PreviousToken"):
        count(name, 1, "receive_callback")

    out = run("status", *STAGE).out

    names = [" ".join(line.split()[:-1]) for line in out.splitlines()[3:19]]
    assert "\n".join(names) + "\n" == dedent(
        """\
        at the door events
        answered 503
        with the previous token
        messages received
        accepted
        ignored
        retried
        dead-lettered
        addresses sent
        added
        repeated
        refused
        uncounted
        requests to Tencent made
        throttled
        refused for settings
        """
    )


def test_last_callback_is_told(account: Account, count: Callable[..., None]) -> None:
    del account
    count("Events", 3, "receive_callback")

    assert re.search("last callback +[0-9]+ (s|min) ago", run("status", *STAGE).out)


def test_watch_looks_again_and_again_until_ctrl_c(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        account.put(account.queue, "{}")
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "sleep", sleep)

    ran = run("watch", *STAGE, "--every", "7")

    assert waits == [7, 7, 7]
    assert "Stage local: paused" in ran.out
    assert ran.out.split("events waiting")[1].split()[0] == "2"
    assert (ran.code, ran.err) == (0, "")
