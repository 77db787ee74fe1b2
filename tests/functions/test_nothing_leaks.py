"""
No address, token, secret, payload or vendor's text is ever written, at whatever log level.

The real adapters run here; the two clouds around them put what must not leak into every message.
"""

import json
import logging
import math
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.block_recipients.handler import lambda_handler as block_recipients
from functions.blocklist import bootstrap
from functions.receive_callback.handler import lambda_handler as receive_callback
from local.tencent import faults
from local.tencent.double import TencentDouble
from local.tencent.faults import Fault
from tests.conftest import FakeContext, Written

VICTIM = "victim@example.com"
TOKEN = "callback-token-that-must-not-leak"
SECRET_ID, SECRET_KEY = "AKIDmustnotleak", "secret-key-that-must-not-leak"
FORBIDDEN = (
    "victim",
    "@example.com",
    TOKEN,
    SECRET_KEY,
    SECRET_ID,
    "subject of the mail",
    "/callbacks",
)

CALLBACK = json.dumps(
    {
        "event": "bounce",
        "email": VICTIM,
        "bounceType": "hard_bounce",
        "reason": f"550 5.1.1 <{VICTIM}> is unknown",
        "subject": "subject of the mail",
    }
)


class LeakyAws:
    """SQS and SSM that are down, and say more than they should."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, operation: str) -> object:
        def call(**_: object) -> None:
            raise self._error

        return call


AWS_ERRORS = [
    ClientError({"Error": {"Code": "Down", "Message": f"{VICTIM} {TOKEN} {CALLBACK}"}}, "Send"),
    EndpointConnectionError(endpoint_url=f"https://{VICTIM}/callbacks/{TOKEN}"),
]


@pytest.fixture
def double() -> Iterator[TencentDouble]:
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(
    monkeypatch: pytest.MonkeyPatch, double: TencentDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("QUEUE_URL", "https://sqs.example.org/queue")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.example.org/dead-letters")
    monkeypatch.setenv("CALLBACK_TOKENS", TOKEN)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", SECRET_ID)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("TENCENT_SES_ENDPOINT", double.url)
    monkeypatch.setenv("API_REQUESTS_PER_SECOND", "1000")


def post(path: str, body: str) -> None:
    event = {
        "rawPath": path,
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "headers": {"x-secret": TOKEN},
    }
    receive_callback(event, FakeContext(10))


def consume(*bodies: str) -> None:
    records = [
        {"messageId": f"m-{position}", "receiptHandle": "handle", "body": body}
        for position, body in enumerate(bodies)
    ]
    block_recipients({"Records": records}, FakeContext(60))


def assert_silent(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    everything = written.text + caplog.text
    assert everything
    assert not [secret for secret in FORBIDDEN if secret in everything]


@pytest.mark.parametrize("error", AWS_ERRORS, ids=lambda error: type(error).__name__)
def test_door_is_silent(
    monkeypatch: pytest.MonkeyPatch,
    written: Written,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(bootstrap, "_sqs", lambda: LeakyAws(error))
    monkeypatch.setenv("FORWARD_TOPIC_ARN", "arn:aws:sns:eu-west-1:000000000000:callbacks")
    monkeypatch.setattr(bootstrap, "_sns", lambda _: LeakyAws(error))

    post(f"/callbacks/{TOKEN}", CALLBACK)
    post(f"/callbacks/{TOKEN}", f"junk {VICTIM}")
    post(f"/callbacks/{TOKEN}wrong", CALLBACK)

    assert_silent(written, caplog)


@pytest.mark.parametrize("error", AWS_ERRORS, ids=lambda error: type(error).__name__)
def test_door_without_tokens_is_silent(
    monkeypatch: pytest.MonkeyPatch,
    written: Written,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.delenv("CALLBACK_TOKENS")
    monkeypatch.setenv("CALLBACK_TOKENS_PARAMETER", "/tokens")
    monkeypatch.setattr(bootstrap, "_ssm", lambda: LeakyAws(error))

    post(f"/callbacks/{TOKEN}", CALLBACK)

    assert_silent(written, caplog)


@pytest.mark.parametrize("error", AWS_ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "fault",
    [
        faults.NONE,
        faults.error("InternalError"),
        faults.error("AuthFailure.SignatureFailure"),
        faults.error("InvalidParameterValue", content_type="text/html"),
        faults.error(VICTIM),
        faults.html(500),
        faults.html(),
        faults.DEPRECATED,
        faults.fields("id", Error={"Code": "InternalError"}, RequestId=f"{VICTIM} {TOKEN}"),
        faults.RESET,
        faults.CUT_MID_BODY,
    ],
    ids=lambda fault: fault.name,
)
def test_consumer_is_silent(  # noqa: PLR0917 - fixtures
    monkeypatch: pytest.MonkeyPatch,
    written: Written,
    caplog: pytest.LogCaptureFixture,
    double: TencentDouble,
    fault: Fault,
    error: Exception,
) -> None:
    monkeypatch.setattr(bootstrap, "_sqs", lambda: LeakyAws(error))
    double.misbehave(fault, times=math.inf)

    consume(CALLBACK, CALLBACK.replace("victim", "second-victim"), f"junk {VICTIM}", "{}")

    assert double.requests
    assert_silent(written, caplog)
