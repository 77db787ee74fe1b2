"""
The two queues, seen by an operator.

SQS shows nobody its messages without handing them out: whoever looks, holds. So a walk hides each
message while it goes on, and gives back at its end what it did not take off. One that is killed
gives nothing back; then they come back by themselves, when `HOLD_SECONDS` are over.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cli.adapters.aws import Aws, aws_errors
from cli.logic.letters import HOLD_SECONDS, Entry, Letter

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

BATCH = 10
#: SQS's own limit on one request.
MAX_REQUEST_BYTES = 1024 * 1024
#: A queue larger than what is walked in that time never looks empty. So many receives in a row that
#: bring nothing new are its end.
STALE_RECEIVES = 100
#: A receive that waits asks all of SQS's servers, so that an empty answer means an empty queue.
WAIT_SECONDS = 1


class Queue:
    """One queue of a stage."""

    def __init__(self, aws: Aws, url: str) -> None:
        self._sqs: SQSClient = aws.client("sqs")
        self._url = url

    def attributes(self) -> Mapping[str, str]:
        """Give all settings and counts, by SQS's own names."""
        with aws_errors():
            found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        return {str(name): value for name, value in found["Attributes"].items()}

    def walk(self) -> "Walk":
        """Look at every message once."""
        return Walk(self)

    def send(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Send *entries*, as many as there are; give the positions of those that SQS refuses."""
        refused: list[int] = []
        start = 0
        while start < len(entries):
            end = _end_of_request(entries, start)
            refused += [start + each for each in self._send_request(entries[start:end])]
            start = end
        return refused

    def _send_request(self, entries: Sequence[Entry]) -> Sequence[int]:
        with aws_errors():
            answer = self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(position),
                        "MessageBody": entry.body,
                        "MessageAttributes": {
                            name: {"DataType": "String", "StringValue": value}
                            for name, value in entry.attributes.items()
                        },
                    }
                    for position, entry in enumerate(entries)
                ],
            )
        sent = {int(success["Id"]) for success in answer.get("Successful", [])}
        return [position for position in range(len(entries)) if position not in sent]

    def receive(self) -> "Sequence[MessageTypeDef]":
        """Take up to ten messages that nobody holds; none means that there are none."""
        with aws_errors():
            return self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=HOLD_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            ).get("Messages", [])

    def delete(self, handles: Sequence[str]) -> None:
        """Delete what is held by *handles*. One that is not deleted comes back: try again then."""
        for part in _tens(handles):
            with aws_errors():
                self._sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(position), "ReceiptHandle": handle}
                        for position, handle in enumerate(part)
                    ],
                )

    def give_back(self, handles: Sequence[str]) -> None:
        """Let others see what is held by *handles*."""
        for part in _tens(handles):
            with aws_errors():
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(position), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                        for position, handle in enumerate(part)
                    ],
                )


class Walk:
    """Every message of a queue, once, each held until the end of the `with`."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._handles: dict[str, str] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give back what is left, also when somebody pressed Ctrl-C."""
        self._queue.give_back(list(self._handles.values()))

    def __iter__(self) -> Iterator[Sequence[Letter]]:
        """Give the messages, up to ten at a time, as long as there are some not yet seen."""
        stale = 0
        while stale < STALE_RECEIVES and (messages := self._queue.receive()):
            self._handles |= {
                message["MessageId"]: message["ReceiptHandle"] for message in messages
            }
            letters = map(_letter, messages)
            new = [letter for letter in letters if letter.queue_message_id not in self._seen]
            self._seen.update(letter.queue_message_id for letter in new)
            stale = 0 if new else stale + 1
            yield new

    def take_off(self, letters: Iterable[Letter]) -> None:
        """Delete *letters*."""
        ids = [letter.queue_message_id for letter in letters]
        self._queue.delete([self._handles[each] for each in ids])
        for each in ids:
            del self._handles[each]


def _letter(message: "MessageTypeDef") -> Letter:
    system = message.get("Attributes", {})
    return Letter(
        queue_message_id=message["MessageId"],
        body=message.get("Body", ""),
        attributes={
            name: value["StringValue"]
            for name, value in message.get("MessageAttributes", {}).items()
            if "StringValue" in value
        },
        arrived_at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, tz=UTC),
        receives=int(system.get("ApproximateReceiveCount", 1)),
    )


def _end_of_request(entries: Sequence[Entry], start: int) -> int:
    end, size = start + 1, entries[start].size_bytes
    while end < len(entries) and end - start < BATCH:
        size += entries[end].size_bytes
        if size > MAX_REQUEST_BYTES:
            break
        end += 1
    return end


def _tens(handles: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(handles), BATCH):
        yield handles[start : start + BATCH]
