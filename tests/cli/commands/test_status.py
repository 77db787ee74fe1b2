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


@pytest.fixture
def three_looks(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give how long it waited: something comes after each look, and Ctrl-C after the third."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        account.put(account.queue, "{}")
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "sleep", sleep)
    return waits


def test_watch_looks_again_and_again_until_ctrl_c(three_looks: list[float]) -> None:
    """Who pipes it into a file reads each look there, and not only the last at the end."""
    ran = run("watch", *STAGE, "--every", "7")

    assert three_looks == [7, 7, 7]
    assert ran.out.count("Stage local: paused") == 3
    assert re.findall(r"events waiting +(\d)", ran.out) == ["0", "1", "2"]
    assert (ran.code, ran.err) == (0, "")


def test_watch_shows_each_look_in_place_of_the_last(
    three_looks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    del three_looks
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, as far as rich knows
    up, erased = "\x1b[1A", "\x1b[2K"

    ran = run("watch", *STAGE)

    first, *later = ran.out.split("Stage local")
    lines = later[0].count("\n")
    assert up not in first
    assert later[0].count(up + erased) == later[1].count(up + erased) == lines
    assert ran.code == 0


def test_programs_watch_too(three_looks: list[float]) -> None:
    del three_looks

    ran = run("watch", *STAGE, "--json")

    assert [each["waiting"] for each in ran.json_lines] == [0, 1, 2]
