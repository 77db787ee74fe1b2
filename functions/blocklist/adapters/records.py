"""
Queue messages as SQS's event source mapping delivers them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from functions.blocklist.adapters.callback import parse_message
from functions.blocklist.services.block_recipients import QueueMessage


def parse_record(record: Mapping[str, Any]) -> QueueMessage:
    """
    Decode one record of the event source mapping. What is in its body never raises.

    Raises:
        KeyError: the record has no message id, so it is not from SQS.
    """
    own = record.get("messageAttributes")  # what the door puts on the queue has none
    encoding, origin = (_text(own, "BodyEncoding"), _text(own, "Origin")) if own else (None, None)
    body = _original_body(record.get("body") or "", encoding)
    return QueueMessage(
        queue_message_id=record["messageId"],
        receipt_handle=record.get("receiptHandle", ""),
        receive_count=int((record.get("attributes") or {}).get("ApproximateReceiveCount", 1)),
        body=body,
        events=parse_message(body),
        from_operator=origin == "operator",
    )


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    return (attributes.get(name) or {}).get("stringValue")


def _original_body(body: str, encoding: str | None) -> bytes:
    """Give the body's bytes. A dead letter that was redriven may still be encoded."""
    if encoding == "base64":
        try:
            return b64decode(body, validate=True)
        except ValueError:
            pass  # then it is what it is
    return body.encode(errors="surrogatepass")
