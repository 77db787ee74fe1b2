"""
The two queues as SQS keeps them, and the client that the adapters talk to.

Sources: the API pages of SendMessageBatch, ChangeMessageVisibilityBatch and DeleteMessage; the
limits are the template's.
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.model.clock import SandboxClock

SOURCE, DEAD = "https://sqs.test/source", "https://sqs.test/dead"
VISIBILITY_SECONDS = 420
MAX_BYTES = {SOURCE: 64 * 1024, DEAD: 1024 * 1024}
MAX_ENTRIES = 10
CALL_SECONDS, LOST_SECONDS = 0.02, 2.9

_NOT_CARRIED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class QueueFault(Enum):
    """How one call to SQS can go wrong."""

    NONE = auto()
    REFUSED = auto()
    SLOW = auto()  # it happened, at the last moment
    LOST_BEFORE = auto()
    LOST_AFTER = auto()
    PARTLY = auto()  # every other entry is in `Failed`
    NOTHING_SAID = auto()  # 200 from something that is not SQS


@dataclass
class Message:
    """One message; *handle* is its latest receipt's."""

    id: str
    body: str
    attributes: Mapping[str, str]
    visible_at: float
    sent_at: float = 0.0
    receives: int = 0
    handle: str = ""

    @property
    def code(self) -> str | None:
        return self.attributes.get("ErrorCode")

    @property
    def original(self) -> bytes:
        """The bytes that were sent, whatever they were packed in."""
        if self.attributes.get("BodyEncoding") == "base64":
            return b64decode(self.body, validate=True)
        return self.body.encode()


@dataclass
class Queues:
    """The source queue with its redrive policy, and the dead-letter queue."""

    max_receives: int
    source: dict[str, Message] = field(default_factory=dict)
    dead: dict[str, Message] = field(default_factory=dict)
    sent: int = 0
    received: int = 0

    def send(self, url: str, body: str, attributes: Mapping[str, str], *, now: float) -> None:
        self.sent += 1
        message = Message(f"message-{self.sent}", body, attributes, now, sent_at=now)
        {SOURCE: self.source, DEAD: self.dead}[url][message.id] = message

    def visible(self, now: float) -> list[Message]:
        return [message for message in self.source.values() if message.visible_at <= now]

    def receive(self, messages: Sequence[Message], now: float) -> list[dict[str, Any]]:
        """Give the records of *messages*; those received too often go to the dead letters."""
        records = []
        for message in messages:
            if message.receives >= self.max_receives:
                self.dead[message.id] = message
                self.source.pop(message.id, None)
                continue
            self.received += 1
            message.receives += 1
            message.visible_at = now + VISIBILITY_SECONDS
            message.handle = f"receipt-{self.received}"
            records.append(_record(message))
        return records

    def delete(self, id_: str, handle: str) -> None:
        """Delete a message; an old receipt deletes nothing, and SQS does not say so."""
        if self.comes_again(id_, handle):
            del self.source[id_]

    def comes_again(self, id_: str, handle: str) -> bool:
        """Tell whether a message that *handle* was the receipt of waits for its next delivery."""
        return id_ in self.source and self.source[id_].handle == handle

    def change_visibility(self, handle: str, seconds: int, *, now: float) -> bool:
        for message in self.source.values():
            if message.handle == handle:
                message.visible_at = now + seconds
                return True
        return False


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent_at * 1000)),
        },
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"}
            for name, value in message.attributes.items()
        },
    }


class QueueClient:
    """What a sandbox has for boto3's client, and the *codes* of the letters it sent."""

    def __init__(self, queues: Queues, clock: SandboxClock) -> None:
        self.codes: list[str | None] = []
        self._queues = queues
        self._clock = clock
        self._script: list[QueueFault] = []

    def begin(self, script: Sequence[QueueFault]) -> None:
        """Forget what was done before this invocation; *script* holds its calls' faults."""
        self._script, self.codes = list(script), []

    def send_message_batch(self, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        fault = self._begin(Entries)
        bodies = [entry["MessageBody"] for entry in Entries]
        if any(not body or _NOT_CARRIED.search(body) for body in bodies):
            raise _refused("InvalidMessageContents", Entries)
        if any(len(body.encode()) > MAX_BYTES[QueueUrl] for body in bodies):
            raise _refused("InvalidParameterValue", Entries)
        taken = [entry["Id"] for entry in _taken(Entries, fault)]
        for entry in Entries:
            if entry["Id"] in taken:
                attributes = {
                    name: value["StringValue"] for name, value in entry["MessageAttributes"].items()
                }
                self._queues.send(QueueUrl, entry["MessageBody"], attributes, now=self._clock.now)
                self.codes.append(attributes.get("ErrorCode"))
        return self._end(fault, Entries, taken)

    def change_message_visibility_batch(
        self,
        QueueUrl: str,  # noqa: N803 - AWS's names
        Entries: Sequence[Any],  # noqa: N803
    ) -> dict[str, Any]:
        assert QueueUrl == SOURCE
        fault = self._begin(Entries)
        taken = [
            entry["Id"]
            for entry in _taken(Entries, fault)
            if self._queues.change_visibility(
                entry["ReceiptHandle"], entry["VisibilityTimeout"], now=self._clock.now
            )
        ]
        return self._end(fault, Entries, taken)

    def _begin(self, entries: Sequence[Any]) -> QueueFault:
        assert 0 < len(entries) <= MAX_ENTRIES
        assert len({entry["Id"] for entry in entries}) == len(entries)
        fault = self._script.pop(0) if self._script else QueueFault.NONE
        slow = fault in {QueueFault.SLOW, QueueFault.LOST_BEFORE, QueueFault.LOST_AFTER}
        self._clock.sleep(LOST_SECONDS if slow else CALL_SECONDS)
        if fault is QueueFault.REFUSED:
            raise _refused("RequestThrottled", entries)
        if fault is QueueFault.LOST_BEFORE:
            raise ReadTimeoutError(endpoint_url=str(entries))
        return fault

    def _end(
        self, fault: QueueFault, entries: Sequence[Any], taken: Sequence[str]
    ) -> dict[str, Any]:
        self._clock.point()
        if fault is QueueFault.LOST_AFTER:
            raise ReadTimeoutError(endpoint_url=str(entries))
        if fault is QueueFault.NOTHING_SAID:
            return {}
        failed = [entry["Id"] for entry in entries if entry["Id"] not in taken]
        return {
            "Successful": [{"Id": id_} for id_ in taken],
            "Failed": [{"Id": id_, "Code": "InternalError"} for id_ in failed],
        }


def _taken(entries: Sequence[Any], fault: QueueFault) -> Sequence[Any]:
    if fault is QueueFault.NOTHING_SAID:
        return []
    return entries[1::2] if fault is QueueFault.PARTLY else entries


def _refused(code: str, entries: Sequence[Any]) -> ClientError:
    error = {"Code": code, "Message": f"not with {entries}"}
    return ClientError({"Error": error}, "SendMessageBatch")  # type: ignore[typeddict-item]
