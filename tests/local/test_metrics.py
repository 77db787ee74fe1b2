"""Metrics from log lines: each once, none missed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.aws import Aws
from local.metrics import Place, metric_data, publish_metrics
from local.stack import Stack, deploy
from tests.local.templates import make_artifact, make_template

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

MEASURING = """
import json, time
def handler(event, context):
    print("a line that is no metric")
    line = json.dumps({
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [{
                "Namespace": "SesBlocklist",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "Received", "Unit": "Count"}],
            }],
        },
        "service": "block_recipients",
        "Received": [3.0],
    })
    for _ in range(2):
        print(line)
"""

SECONDS = "Seconds"


def line_of(**more: object) -> str:
    document = {
        "_aws": {
            "Timestamp": 1_700_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "SesBlocklist",
                    "Dimensions": [["service"], ["service", "event"]],
                    "Metrics": [{"Name": "Seconds", "Unit": SECONDS}, {"Name": "Events"}],
                }
            ],
        },
        "service": "door",
        "event": "bounce",
        "Seconds": [1.5, 2.5],
        "Events": 4,
    }
    return json.dumps(document | more)


def test_each_metric_is_published_for_each_set_of_dimensions() -> None:
    [(namespace, seconds), events, by_event, _] = metric_data(line_of())

    assert namespace == "SesBlocklist"
    assert seconds == {
        "MetricName": "Seconds",
        "Dimensions": [{"Name": "service", "Value": "door"}],
        "Timestamp": datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
        "Unit": "Seconds",
        "Values": [1.5, 2.5],
    }
    assert events[1]["Values"] == [4]
    assert events[1]["Unit"] == "None"
    assert by_event[1]["Dimensions"][1] == {"Name": "event", "Value": "bounce"}


@pytest.mark.parametrize("line", ["", "CloudWatchMetrics", "[]", "3", "{}", '{"level": "INFO"}'])
def test_other_lines_are_no_metrics(line: str) -> None:
    assert list(metric_data(line)) == []


def test_line_is_new_once_however_often_it_is_read() -> None:
    place = Place()
    line = ("stream", 1_000_000, "a")

    assert place.take_new("group", [line]) == ["a"]
    assert place.take_new("group", [line]) == []


def test_equal_lines_count_each() -> None:
    place = Place()
    line = ("stream", 1_000_000, "a")
    place.take_new("group", [line])

    assert place.take_new("group", [line, line]) == ["a"]


def test_late_line_is_not_missed() -> None:
    """Two calls that end together may write in either order."""
    place = Place()
    late, early = ("one", 999_000, "late"), ("two", 1_000_000, "early")
    place.take_new("group", [early])

    assert place.start_ms("group") <= 999_000
    assert place.take_new("group", [late, early]) == ["late"]


def test_log_groups_have_places_of_their_own() -> None:
    place = Place()
    line = ("stream", 1_000_000, "a")
    place.take_new("one", [line])

    assert place.take_new("other", [line]) == ["a"]


def call(aws: Aws, stack: Stack) -> None:
    lambda_client: LambdaClient = aws.client("lambda")
    lambda_client.invoke(FunctionName=stack.outputs["Function"])


def total(aws: Aws) -> float:
    now = datetime.now(UTC)
    cloudwatch: Any = aws.client("cloudwatch")
    points = cloudwatch.get_metric_statistics(
        Namespace="SesBlocklist",
        MetricName="Received",
        Dimensions=[{"Name": "service", "Value": "block_recipients"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


@pytest.mark.integration
def test_what_functions_log_becomes_metrics_once(aws: Aws, tmp_path: Path) -> None:
    artifact = make_artifact(tmp_path, MEASURING)
    stack = deploy(aws, make_template(), artifact, {"TencentSesEndpoint": "e"})
    place = Place()

    assert publish_metrics(aws, stack.log_groups, place=place) == 0

    call(aws, stack)
    assert publish_metrics(aws, stack.log_groups, place=place) == 2
    assert publish_metrics(aws, stack.log_groups, place=place) == 0

    call(aws, stack)
    assert publish_metrics(aws, stack.log_groups, place=place) == 2
    assert total(aws) == 12.0
