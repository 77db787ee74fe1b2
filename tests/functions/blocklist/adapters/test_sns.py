"""Publishing callbacks: unchanged, within a small time, and never an exception."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from functions.blocklist.adapters.sns import (
    CALL_SECONDS,
    MAX_BYTES,
    SnsForwarding,
)
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

TOPIC = "arn:aws:sns:eu-west-1:000000000000:callbacks"
NEVER = float("inf")
CLOSED = ConnectionClosedError(endpoint_url="https://sns.example.com")


@dataclass
class FakeSns:
    """Publish, which raises *failures* one after the other and takes *seconds* each time."""

    clock: FakeClock
    failures: Sequence[BotoCoreError | ClientError] = ()
    seconds: float = 0.0
    confirms: bool = True
    tried: list[str] = field(default_factory=list)

    def publish(self, *, TopicArn: str, Message: str) -> dict[str, str]:  # noqa: N803 - boto3's
        assert TopicArn == TOPIC
        self.clock.sleep(self.seconds)
        self.tried.append(Message)
        if len(self.tried) <= len(self.failures):
            raise self.failures[len(self.tried) - 1]
        return {"MessageId": "1"} if self.confirms else {}

    def forwarding(self) -> SnsForwarding:
        return SnsForwarding(lambda: cast("SNSClient", self), TOPIC, clock=self.clock)


@pytest.fixture
def sns() -> FakeSns:
    return FakeSns(FakeClock())


@pytest.mark.parametrize(
    "body", [b' {"event":\r\n"open"}', "\ufeff[\u00fc\U0001f600]".encode(), b"junk"]
)
def test_body_is_published_unchanged(sns: FakeSns, body: bytes) -> None:
    assert sns.forwarding().publish(body, before=NEVER) is None

    assert [message.encode() for message in sns.tried] == [body]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"x" * (MAX_BYTES + 1), "TooLarge"), (b"\xff\xfe", "NotText")],
)
def test_what_sns_does_not_take_is_not_tried(sns: FakeSns, body: bytes, code: str) -> None:
    assert sns.forwarding().publish(body, before=NEVER) == code

    assert sns.tried == []


def test_largest_that_sns_takes_is_tried(sns: FakeSns) -> None:
    assert sns.forwarding().publish(b"x" * MAX_BYTES, before=NEVER) is None


def test_connection_that_died_while_frozen_is_tried_again(sns: FakeSns) -> None:
    sns.failures = [CLOSED]

    assert sns.forwarding().publish(b"{}", before=NEVER) is None
    assert sns.tried == ["{}", "{}"]


def test_second_failure_is_the_last(sns: FakeSns) -> None:
    sns.failures = [CLOSED, CLOSED, CLOSED]

    assert sns.forwarding().publish(b"{}", before=NEVER) == "ConnectionClosedError"
    assert len(sns.tried) == 2


def test_refusal_is_not_asked_for_again(sns: FakeSns) -> None:
    sns.failures = [ClientError({"Error": {"Code": "NotFound", "Message": "secret"}}, "Publish")]

    assert sns.forwarding().publish(b"{}", before=NEVER) == "NotFound"
    assert len(sns.tried) == 1


def test_answer_without_an_id_is_none(sns: FakeSns) -> None:
    sns.confirms = False

    assert sns.forwarding().publish(b"{}", before=NEVER) == "NotConfirmed"


@pytest.mark.parametrize("body", [b"<html>weather</html>", b"no XML at all", b""])
def test_answer_that_is_none_of_sns_s_is_a_failure_and_no_crash(body: bytes) -> None:
    """A proxy's page with status 200: botocore raises what is no error of botocore's."""
    client: SNSClient = boto3.client(
        "sns", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    answer = AWSResponse("https://sns.example.com", 200, HTTPHeaders(), _Raw(body))
    answering: Any = lambda **_: answer  # noqa: E731 - the stubs know of no answer
    client.meta.events.register("before-send.sns.Publish", answering)

    assert SnsForwarding(lambda: client, TOPIC).publish(b"{}", before=NEVER) is not None


class _Raw(io.BytesIO):
    """An answer's body as urllib3 gives it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()


def test_slow_topic_costs_the_caller_little(sns: FakeSns) -> None:
    """Whatever it does, and however much time the function has."""
    sns.seconds = CALL_SECONDS
    sns.failures = [ReadTimeoutError(endpoint_url="https://sns.example.com")] * 5
    began = sns.clock.now

    assert sns.forwarding().publish(b"{}", before=NEVER) == "ReadTimeoutError"

    assert sns.clock.now - began <= 2


def test_callback_s_own_time_is_not_overdrawn(sns: FakeSns) -> None:
    before = sns.clock.now + CALL_SECONDS - 0.1

    assert sns.forwarding().publish(b"{}", before=before) == "NoTimeLeft"
    assert sns.tried == []
