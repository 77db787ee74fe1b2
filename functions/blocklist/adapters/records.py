"""
Queue messages as SQS's event source mapping delivers them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from functions.blocklist.adapters.callback import parse_message

if TYPE_CHECKING:
    from functions.blocklist.domain.dead_letters import ErrorCode
    from functions.blocklist.domain.events import DeliveryEvent


class RecordMessage:
    """
    One record of the event source mapping as a message, decoded. What is in its body never raises.

    The port's `QueueMessage`. What few messages are asked for is read when they are.

    Raises:
        KeyError: the record has no message id, so it is not from SQS.
    """

    __slots__ = ("_record", "events", "from_operator", "queue_message_id")

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        self.queue_message_id: str = record["messageId"]
        self.from_operator = False
        body = record.get("body") or ""
        if record.get("messageAttributes"):  # what the door puts on the queue has none
            self.from_operator = self._attribute("Origin") == "operator"
            body = self._text_or_bytes
        self.events: Sequence[DeliveryEvent | ErrorCode] = parse_message(
            body, from_operator=self.from_operator
        )

    def __repr__(self) -> str:
        """Show nothing that may hold an address: a `repr` ends in logs and exceptions' texts."""
        return f"RecordMessage({self.queue_message_id!r}, receive_count={self.receive_count})"

    @property
    def receipt_handle(self) -> str:
        """Another one for every delivery."""
        handle: str = self._record.get("receiptHandle", "")
        return handle

    @property
    def receive_count(self) -> int:
        """How often it was delivered, this time included."""
        return int(self._own("ApproximateReceiveCount", 1))

    @property
    def sent_at(self) -> float:
        """When it came to the queue, in epoch seconds; 0 where nobody says."""
        return int(self._own("SentTimestamp", 0)) / 1000

    @property
    def body(self) -> bytes:
        """What was sent, byte for byte."""
        body = self._text_or_bytes
        return body if isinstance(body, bytes) else body.encode(errors="surrogatepass")

    @property
    def _text_or_bytes(self) -> str | bytes:
        """The body; its bytes where it is encoded, as a dead letter may be that was redriven."""
        body: str = self._record.get("body") or ""
        if self._record.get("messageAttributes") and self._attribute("BodyEncoding") == "base64":
            try:
                return b64decode(body, validate=True)
            except ValueError:
                pass  # then it is what it is
        return body

    def _own(self, name: str, default: int) -> str | int:
        value: str | int = (self._record.get("attributes") or {}).get(name, default)
        return value

    def _attribute(self, name: str) -> str | None:
        return (self._record["messageAttributes"].get(name) or {}).get("stringValue")
