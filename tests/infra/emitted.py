"""What the functions really write as metrics, found by running them through all that they count."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from functions.block_recipients.handler import lambda_handler as block_recipients
from functions.blocklist import bootstrap
from functions.blocklist.domain.errors import RefusedRequestError, UnavailableError
from functions.blocklist.domain.smoke import SMOKE_RECIPIENT
from functions.blocklist.services.ports import Answer
from functions.receive_callback.handler import lambda_handler as receive_callback
from tests.conftest import FakeContext, Written
from tests.fakes import (
    FakeBlocklist,
    FakeDeadLetters,
    FakeEventQueue,
    FakePacer,
    FakeRedelivery,
    FakeTokens,
)

#: A metric's name, and its dimensions by name.
Series = tuple[str, frozenset[tuple[str, str]]]

#: https://www.tencentcloud.com/document/product/1084/40183
_EVENTS = (
    *("processed", "deferred", "delivered", "dropped", "open", "click"),
    *("bounce", "spamreport", "unsubscribe", "something new"),
)
_OURS = {"username": "1250000000"}


def emitted(monkeypatch: pytest.MonkeyPatch, written: Written) -> frozenset[Series]:
    """Run both functions through every event, every dead letter and every failure."""
    monkeypatch.setenv("QUEUE_URL", "https://sqs.example.com/queue")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.example.com/dead-letters")
    monkeypatch.setenv("EXPECTED_APP_IDS", _OURS["username"])
    monkeypatch.setenv("CALLBACK_TOKENS", FakeTokens.current.decode())
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "example-secret-key")
    monkeypatch.setattr(bootstrap, "tokens", FakeTokens)
    monkeypatch.setattr(bootstrap, "pacer", FakePacer)
    monkeypatch.setattr(bootstrap, "redelivery", FakeRedelivery)
    monkeypatch.setattr(bootstrap, "dead_letters", lambda _: FakeDeadLetters())
    monkeypatch.setattr(
        bootstrap,
        "blocklist",
        lambda: FakeBlocklist(bad=frozenset({"counted@example.com"}), script=_script),
    )
    _call_door(monkeypatch)
    _call_consumer()
    return frozenset(series for line in written.metrics for series in _series(line))


def _script(recipients: Sequence[str]) -> Answer | None:
    if "refused@example.com" in recipients:
        raise RefusedRequestError("InvalidParameterValue")
    if "later@example.com" in recipients:
        raise UnavailableError("InternalError")
    return None


def _call_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "event_queue", FakeEventQueue)
    _post(json.dumps([_event(name) for name in _EVENTS]))
    _post("junk", token=FakeTokens.previous)
    _post(json.dumps(_event("bounce", reason="x" * 70_000)))
    monkeypatch.setattr(bootstrap, "event_queue", lambda: FakeEventQueue(fail=frozenset({0})))
    _post(json.dumps(_event("bounce")))


def _post(body: str, *, token: bytes = FakeTokens.current) -> None:
    event = {
        "version": "2.0",
        "rawPath": f"/callbacks/{token.decode()}",
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": False,
    }
    receive_callback(event, FakeContext(10))


def _call_consumer() -> None:
    _take(
        json.dumps(_event("spamreport", timestamp=1)),
        json.dumps(_event("something new")),
        json.dumps(_event("spamreport", email="no address")),
        json.dumps(_event("spamreport", username="1250000001")),
        json.dumps(_event("spamreport", email="counted@example.com")),
        json.dumps(_event("spamreport", email=SMOKE_RECIPIENT)),
        "junk",
    )
    _take(
        json.dumps(_event("spamreport", email="refused@example.com")),
        json.dumps(_event("spamreport", email="good@example.com")),
    )


def _event(name: str, **fields: object) -> dict[str, object]:
    return {"event": name, "email": "a@example.com", **_OURS, **fields}


def _take(*bodies: str) -> None:
    records = [
        {
            "messageId": f"m-{position}",
            "receiptHandle": f"handle of m-{position}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
        }
        for position, body in enumerate(bodies)
    ]
    block_recipients({"Records": records}, FakeContext())


def _series(line: dict[str, Any]) -> Iterator[Series]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "SesBlocklist"
        for names in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                yield metric["Name"], dimensions((name, line[name]) for name in names)


def dimensions(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return dimensions as they compare: in no order."""
    return frozenset(pairs)
