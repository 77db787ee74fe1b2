"""The door's Lambda: an HTTP answer, one line of metrics, and silence about secrets."""

import json
from typing import Any

import pytest

from functions.blocklist import bootstrap
from functions.blocklist.domain.errors import UnavailableError
from functions.receive_callback.handler import lambda_handler
from tests.conftest import FakeContext, Written
from tests.fakes import FakeDeadLetters, FakeEventQueue, FakeForwarding, FakeTokens

CURRENT = FakeTokens.current.decode()
BOUNCE = '{"event":"bounce","email":"a@example.com","bounceType":"hard_bounce"}'
DELIVERED = '{"event":"delivered","email":"a@example.com"}'


class Door:
    """The handler with fakes behind it."""

    def __init__(self) -> None:
        self.queue = FakeEventQueue()
        self.dead_letters = FakeDeadLetters()
        self.tokens = FakeTokens()
        self.forwarding: FakeForwarding | None = None

    def __call__(self, body: str, *, token: str = CURRENT) -> dict[str, Any]:
        event = {
            "version": "2.0",
            "rawPath": f"/callbacks/{token}",
            "requestContext": {"http": {"method": "POST"}},
            "body": body,
            "isBase64Encoded": False,
        }
        answer: dict[str, Any] = lambda_handler(event, FakeContext(10))
        return answer


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.example.com/queue")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.example.com/dead-letters")
    monkeypatch.setenv("CALLBACK_TOKENS", CURRENT)
    door = Door()
    monkeypatch.setattr(bootstrap, "event_queue", lambda: door.queue)
    monkeypatch.setattr(bootstrap, "dead_letters", lambda _: door.dead_letters)
    monkeypatch.setattr(bootstrap, "tokens", lambda: door.tokens)
    monkeypatch.setattr(bootstrap, "forwarding", lambda: door.forwarding)
    return door


def test_callback_is_kept_as_it_came(door: Door) -> None:
    answer = door(BOUNCE)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"kept": 1, "dead_letters": 0}
    assert door.queue.kept == [BOUNCE]


def test_success_writes_one_line_of_metrics_and_nothing_else(door: Door, written: Written) -> None:
    """At ten million callbacks a month each line costs money."""
    door(f"[{BOUNCE},{BOUNCE}]")

    [line] = written.lines
    assert line["Events"] == [2.0]
    assert "PreviousToken" not in line
    assert (line["service"], line["Event"]) == ("receive_callback", "bounce")
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "SesBlocklist"
    assert sorted(map(sorted, directive["Dimensions"])) == [["Event", "service"], ["service"]]


def test_kinds_are_counted_apart(door: Door, written: Written) -> None:
    door(f"[{BOUNCE},{DELIVERED},{DELIVERED}]")

    counted = {line["Event"]: line["Events"] for line in written.metrics}
    assert counted == {"bounce": [1.0], "delivered": [2.0]}


def test_previous_token_is_counted(door: Door, written: Written) -> None:
    door(BOUNCE, token=door.tokens.previous.decode())

    assert [line["PreviousToken"] for line in written.metrics] == [[1.0]]


@pytest.mark.parametrize(("body", "token"), [(BOUNCE, "wrong"), ("", CURRENT), ("[]", CURRENT)])
def test_requests_without_events_write_nothing(
    door: Door, written: Written, body: str, token: str
) -> None:
    door(body, token=token)

    assert written.text == ""


def test_junk_is_kept_and_said(door: Door, written: Written) -> None:
    answer = door("junk from somebody@example.com")

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"kept": 0, "dead_letters": 1}
    assert [line["message"] for line in written.logs] == ["events sent to the dead-letter queue"]
    assert written.logs[0]["codes"] == {"MalformedEvent": 1}
    [counted] = [line for line in written.metrics if "DeadLetters" in line]
    assert (counted["ErrorCode"], counted["DeadLetters"]) == ("MalformedEvent", [1.0])
    assert "@" not in written.text


def test_event_that_cannot_be_kept_is_an_error(door: Door, written: Written) -> None:
    door.queue = FakeEventQueue(fail=frozenset({0}))

    answer = door(BOUNCE)

    assert answer["statusCode"] == 503
    assert json.loads(answer["body"]) == {"kept": 0, "dead_letters": 0}
    [line] = written.logs
    assert (line["message"], line["codes"]) == ("events not kept", {"Down": 1})
    assert written.metrics[-1]["Unavailable"] == [1.0]


def test_unreadable_tokens_are_an_error(door: Door, written: Written) -> None:
    door.tokens = FakeTokens(error=UnavailableError("ssm:InternalServerError"))

    answer = door(BOUNCE)

    assert answer["statusCode"] == 503
    assert written.logs[0]["message"] == "callback tokens cannot be read"
    assert written.logs[0]["code"] == "ssm:InternalServerError"
    assert [line["Unavailable"] for line in written.metrics] == [[1.0]]


def test_callback_is_passed_on_without_a_word(door: Door, written: Written) -> None:
    door.forwarding = FakeForwarding()

    door(BOUNCE)

    assert door.forwarding.published == [BOUNCE.encode()]
    assert len(written.lines) == 1
    assert "ForwardFailed" not in written.lines[0]


def test_callback_that_is_not_passed_on_is_counted_and_said(door: Door, written: Written) -> None:
    door.forwarding = FakeForwarding(failure="AuthorizationError")

    answer = door(BOUNCE)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"kept": 1, "dead_letters": 0}
    [line] = written.logs
    assert (line["message"], line["code"]) == ("callback not forwarded", "AuthorizationError")
    assert written.metrics[-1]["ForwardFailed"] == [1.0]


def test_event_of_something_else_is_refused_without_repeating_it(door: Door) -> None:
    del door

    with pytest.raises(ValueError, match="not an event of a function URL") as caught:
        lambda_handler({"Records": [{"body": "somebody@example.com"}]}, FakeContext())

    assert "@" not in str(caught.value)
