"""
An alarm rings: from Tencent's refusal to the topic.

The emulator looks at a metric's newest values and at a threshold, whatever the dimensions. So this
proves the names, the topic and the way there; it proves nothing of periods, of missing data, or of
alarms that calculate.
"""

import json
from typing import TYPE_CHECKING

import pytest

from local.metrics import Place, publish_metrics
from local.tencent import faults
from tests.integration.conftest import Sender, listen
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

ALARM = "ses-blocklist-local-ConfigurationErrors"


def test_refused_key_reaches_the_pager(sender: Sender) -> None:
    """Nothing is lost, and nothing is blocked either: without the page nobody would know."""
    topic = sender.pipeline.stack.outputs["PageTopicArn"]
    pager, place = listen(sender.pipeline.aws, topic, name="pager"), Place()
    sender.double.misbehave(faults.error("AuthFailure.SecretIdNotFound"))

    sender.queue('{"event":"spamreport","email":"page@example.com"}')

    wait_until(lambda: _state(sender, place) == "ALARM")

    wait_until(lambda: (ALARM, "ALARM") in _heard(sender, pager))


def _state(sender: Sender, place: Place) -> str:
    cloudwatch: CloudWatchClient = sender.pipeline.aws.client("cloudwatch")
    publish_metrics(sender.pipeline.aws, sender.pipeline.stack.log_groups, place=place)
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return alarm["StateValue"]


def _heard(sender: Sender, pager: str) -> list[tuple[str, str]]:
    """Return alarms and their states; each alarm says once that it began as well."""
    sqs: SQSClient = sender.pipeline.aws.client("sqs")
    messages = sqs.receive_message(QueueUrl=pager, MaxNumberOfMessages=10).get("Messages", [])
    told = [json.loads(message["Body"]) for message in messages]
    return [(one["AlarmName"], one["NewStateValue"]) for one in told]
