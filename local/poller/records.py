"""
SQS messages as a function gets them.

Their shape: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """A message between its receipt, at *received_at* (monotonic seconds), and its deletion."""

    message_id: str
    receipt_handle: str
    record: Record
    size_bytes: int
    received_at: float


def serialise(value: object) -> bytes:
    """Return *value* as it is sent to a function; `Received.size_bytes` counts these bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def to_received(message: "MessageTypeDef", *, queue_arn: str, received_at: float) -> Received:
    """Return what SQS gave for one message."""
    record = to_record(message, queue_arn=queue_arn)
    return Received(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        record=record,
        size_bytes=len(serialise(record)),
        received_at=received_at,
    )


def to_record(message: "MessageTypeDef", *, queue_arn: str) -> Record:
    """Return the record for *message*, with all attributes that SQS gave."""
    return {
        "messageId": message.get("MessageId", ""),
        "receiptHandle": message.get("ReceiptHandle", ""),
        "body": message.get("Body", ""),
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def to_event(messages: Sequence[Received]) -> Mapping[str, Any]:
    """Return what a function is invoked with."""
    return {"Records": [message.record for message in messages]}


def _attribute(value: "MessageAttributeValueOutputTypeDef") -> Record:
    attribute: Record = {"stringListValues": [], "binaryListValues": []}
    attribute["dataType"] = value["DataType"]
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute
