"""Records as functions get them."""

from typing import TYPE_CHECKING

from local.poller.records import serialise, to_event, to_received, to_record

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

QUEUE_ARN = "arn:aws:sqs:ap-southeast-1:000000000000:queue"
MESSAGE: "MessageTypeDef" = {
    "MessageId": "m-1",
    "ReceiptHandle": "handle",
    "MD5OfBody": "0cc175b9",
    "MD5OfMessageAttributes": "f30db1e4",
    "Body": "größe",
    "Attributes": {
        "SenderId": "000000000000",
        "SentTimestamp": "1795466876587",
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": "1795466876618",
        "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
    },
    "MessageAttributes": {
        "Origin": {"DataType": "String", "StringValue": "operator"},
        "Bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    },
}


def test_record_has_the_documented_shape() -> None:
    assert to_record(MESSAGE, queue_arn=QUEUE_ARN) == {
        "messageId": "m-1",
        "receiptHandle": "handle",
        "body": "größe",
        "attributes": {
            "SenderId": "000000000000",
            "SentTimestamp": "1795466876587",
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": "1795466876618",
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
        },
        "messageAttributes": {
            "Origin": {
                "stringValue": "operator",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "Bytes": {
                "binaryValue": "AP8=",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfBody": "0cc175b9",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE_ARN,
        "awsRegion": "ap-southeast-1",
    }


def test_message_without_attributes_has_empty_ones() -> None:
    record = to_record({"MessageId": "m-1", "Body": "b"}, queue_arn=QUEUE_ARN)

    assert record["messageAttributes"] == {}


def test_size_is_that_of_the_bytes_sent() -> None:
    """A letter may be several bytes."""
    received = to_received(MESSAGE, queue_arn=QUEUE_ARN, received_at=1.0)

    envelope = len(serialise({"Records": []}))
    assert received.size_bytes == len(serialise(to_event([received]))) - envelope
    assert received.received_at == 1.0
