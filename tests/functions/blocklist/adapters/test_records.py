"""Queue messages as the event source mapping delivers them."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters.records import RecordMessage
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from tests.payloads import json_payload


def make_record(body: object = "{}", **attributes: str) -> dict[str, Any]:
    return {
        "messageId": "m-1",
        "body": body,
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
        },
    }


def test_batch_is_understood() -> None:
    [callback, by_operator, redriven] = json_payload("sqs/batch.json")["Records"]

    first, second, third = map(RecordMessage, (callback, by_operator, redriven))

    assert first.queue_message_id == "059f36b4-87a3-44ab-83d2-661975830a7d"
    assert first.receipt_handle == "handle-of-059f36b4-87a3-44ab-83d2-661975830a7d"
    assert (first.receive_count, first.from_operator) == (1, False)
    assert json.loads(first.body) == json_payload("callbacks/bounce_hard.json")
    assert [event.kind for event in first.events if isinstance(event, DeliveryEvent)] == [
        EventKind.HARD_BOUNCE
    ]
    assert (second.receive_count, second.from_operator) == (3, True)
    assert second.events == [DeliveryEvent(EventKind.COMPLAINT, "third@example.com")]
    assert (third.body, list(third.events)) == (b"\xff\x00 not JSON", [ErrorCode.MALFORMED_EVENT])


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"messageAttributes": None, "attributes": None},
        {"messageAttributes": {}, "attributes": {}},
        {"messageAttributes": {"Origin": None, "BodyEncoding": None}},
        {"messageAttributes": {"Origin": {"dataType": "Binary", "binaryValue": "b3BlcmF0b3I="}}},
    ],
)
def test_attributes_may_be_missing(rest: dict[str, Any]) -> None:
    """As in a message that the emulator, or somebody's console, puts on the queue."""
    message = RecordMessage({"messageId": "m-1", "body": "x"} | rest)

    assert (message.receipt_handle, message.receive_count) == ("", 1)
    assert (message.body, message.from_operator) == (b"x", False)


@pytest.mark.parametrize("origin", ["Operator", "operator ", "door", ""])
def test_only_the_exact_word_makes_an_operator(origin: str) -> None:
    """It lifts the check of senders."""
    assert not RecordMessage(make_record(Origin=origin)).from_operator


def test_only_an_operators_message_can_ask_for_a_block() -> None:
    """The door never sets the attribute, so no callback gets past the checks."""
    body = json.dumps(
        {"event": "operator_block", "email": "jane@example.com", "timestamp": 1761555490}
    )

    [theirs] = RecordMessage(make_record(body)).events
    [ours] = RecordMessage(make_record(body, Origin="operator")).events

    assert isinstance(theirs, DeliveryEvent)
    assert theirs.kind is EventKind.UNKNOWN
    assert ours == DeliveryEvent(
        EventKind.OPERATOR_BLOCK, "jane@example.com", occurred_at=1761555490.0
    )


@pytest.mark.parametrize(
    ("attributes", "sent_at"),
    [({"SentTimestamp": "1761555490123"}, 1761555490.123), ({}, 0.0)],
)
def test_message_says_when_it_came_to_the_queue(attributes: dict[str, str], sent_at: float) -> None:
    """An event that claims a time after that is not believed."""
    message = RecordMessage(make_record() | {"attributes": attributes})

    assert message.sent_at == sent_at


def test_encoded_body_is_decoded() -> None:
    """A dead letter that was redriven comes as it was written there."""
    body = b'{"event": "spamreport", "email": "jane@example.com"}'

    message = RecordMessage(make_record(b64encode(body).decode(), BodyEncoding="base64"))

    assert message.body == body
    assert message.events == [DeliveryEvent(EventKind.COMPLAINT, "jane@example.com")]


@pytest.mark.parametrize("body", ["\ud800", "{}\udcff"], ids=ascii)
def test_lone_surrogate_in_a_body_stays(body: str) -> None:
    assert RecordMessage(make_record(body)).body == body.encode(errors="surrogatepass")


@pytest.mark.parametrize("body", ["{}", "e30", "e3 0=", "é30="])
def test_body_that_only_claims_to_be_encoded_is_what_it_is(body: str) -> None:
    assert RecordMessage(make_record(body, BodyEncoding="base64")).body == body.encode()


@pytest.mark.parametrize("encoding", ["gzip", "BASE64", ""])
def test_other_encodings_are_not_ours(encoding: str) -> None:
    assert RecordMessage(make_record("e30=", BodyEncoding=encoding)).body == b"e30="


@pytest.mark.parametrize("body", [None, ""])
def test_record_without_a_body_is_malformed(body: str | None) -> None:
    message = RecordMessage(make_record(body))

    assert (message.body, list(message.events)) == (b"", [ErrorCode.MALFORMED_EVENT])


def test_message_shows_neither_body_nor_recipients() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    message = RecordMessage(json_payload("sqs/batch.json")["Records"][0])

    assert "jane" not in repr(message)
    assert "handle" not in repr(message)


def test_record_without_an_id_is_not_from_sqs() -> None:
    """Nothing could be said about it afterwards, so nothing is done."""
    with pytest.raises(KeyError, match="messageId"):
        RecordMessage({"body": "{}"})


@given(
    st.text(st.characters(exclude_categories=())),  # lone surrogates included
    st.sampled_from(["base64", "x"]),
    st.sampled_from(["operator", "x"]),
)
def test_no_body_is_too_strange(body: str, encoding: str, origin: str) -> None:
    """One that raised would come back 300 times, each time with the batch it is in."""
    message = RecordMessage(make_record(body, BodyEncoding=encoding, Origin=origin))

    assert message.events
