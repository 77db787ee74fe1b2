"""The way into the emulator, whatever the developer's shell says."""

import os
from typing import TYPE_CHECKING, Any

import pytest

from local.aws import Aws

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def test_callers_own_settings_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's profile, proxy or endpoint must not break the local stack, nor serve it."""
    for name, value in {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_ENDPOINT_URL": "https://sqs.example.com",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "HTTP_PROXY": "http://proxy.example.com:1",
    }.items():
        monkeypatch.setitem(os.environ, name, value)

    sqs: Any = Aws("http://127.0.0.1:1", region="eu-west-1").client("sqs", attempts=2)

    assert sqs.meta.endpoint_url == "http://127.0.0.1:1"
    assert sqs.meta.region_name == "eu-west-1"
    assert sqs.meta.config.proxies == {}
    assert sqs.meta.config.retries == {"mode": "standard", "total_max_attempts": 2}


@pytest.mark.integration
def test_reset_forgets_everything(aws: Aws) -> None:
    sqs: SQSClient = aws.client("sqs")
    sqs.create_queue(QueueName="queue")

    aws.reset()

    assert sqs.list_queues().get("QueueUrls", []) == []
