"""
SQS: sending to the two queues, and the visibility of what is handed back.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

import random
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from functions.blocklist.domain.dead_letters import DeadLetter

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

#: SQS's own limits on one batch, attributes included.
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1024 * 1024
#: What a dead letter's attributes take at most, with room to spare.
ATTRIBUTE_BYTES = 1024

MAX_TRIES = 3
#: A connection that was idle while the sandbox was frozen fails once.
POSTPONE_TRIES = 2
#: Batches under way at once; the client's pool of connections must hold as many.
CONCURRENCY = 10
CONNECT_SECONDS, READ_SECONDS = 1.0, 2.0
#: What one call may take at most.
CALL_SECONDS = CONNECT_SECONDS + READ_SECONDS

#: Every character that a message cannot carry.
_NOT_CARRIED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One message to send; *owner* is the position of what it carries, wholly or in part."""

    owner: int
    body: str = field(repr=False)
    attributes: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        return len(self.body.encode()) + (ATTRIBUTE_BYTES if self.attributes else 0)


#: An entry that was not sent, and SQS's or botocore's code for why.
_Failure: TypeAlias = tuple[_Entry, str]


class SqsSender:
    """Sends entries to one queue, ten to a request, several requests at once."""

    def __init__(
        self,
        client: Callable[[], "SQSClient"],
        queue_url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock
        self._sleep = sleep

    def send(self, entries: Sequence[_Entry], *, before: float) -> Mapping[int, str]:
        """Give the owners of what was not sent in three tries, or *before*, each with a code."""
        batches = list(_batches(entries))
        if len(batches) < 2:  # noqa: PLR2004 - threads are for several
            failed = [self._send_batch(batch, before) for batch in batches]
        else:
            self._client()  # clients are safe to share between threads, not to build in them
            with ThreadPoolExecutor(CONCURRENCY) as pool:
                failed = list(pool.map(lambda batch: self._send_batch(batch, before), batches))
        return {entry.owner: code for batch in failed for entry, code in batch}

    def _send_batch(self, batch: Sequence[_Entry], before: float) -> Sequence[_Failure]:
        """Give what is left of *batch* after three tries."""
        left: Sequence[_Failure] = [(entry, "") for entry in batch]
        one_by_one = False
        for attempt in range(MAX_TRIES):
            if attempt:
                if not self._has_time(before):
                    break
                self._sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - no secret
            entries = [entry for entry, _ in left]
            requests = [[entry] for entry in entries] if one_by_one else [entries]
            results = [self._try(request, before) for request in requests]
            left = [failure for failures, _ in results for failure in failures]
            one_by_one |= any(refused for _, refused in results)
            if not left:
                break
        return left

    def _try(self, entries: Sequence[_Entry], before: float) -> tuple[Sequence[_Failure], bool]:
        """
        Send one request; give what failed, and whether SQS refused the request as a whole.

        One message that it does not take refuses its nine neighbours too. What the answer does not
        name as sent has failed: botocore takes any answer with status 200 for a good one.
        """
        if not self._has_time(before):
            return [(entry, "NoTimeLeft") for entry in entries], False
        try:
            response = self._client().send_message_batch(
                QueueUrl=self._queue_url, Entries=_request_entries(entries)
            )
        except ClientError as error:
            return [(entry, error.response["Error"]["Code"]) for entry in entries], True
        except BotoCoreError as error:
            return [(entry, type(error).__name__) for entry in entries], False
        sent = {success["Id"] for success in response.get("Successful", [])}
        codes = {failure["Id"]: failure.get("Code", "") for failure in response.get("Failed", [])}
        return [
            (entry, codes.get(str(position)) or "NotConfirmed")
            for position, entry in enumerate(entries)
            if str(position) not in sent
        ], False

    def _has_time(self, before: float) -> bool:
        return self._clock() + CALL_SECONDS <= before


def _request_entries(
    entries: Sequence[_Entry],
) -> "Sequence[SendMessageBatchRequestEntryTypeDef]":
    return [
        {
            "Id": str(position),
            "MessageBody": entry.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in entry.attributes.items()
            },
        }
        for position, entry in enumerate(entries)
    ]


def _batches(entries: Sequence[_Entry]) -> Iterator[Sequence[_Entry]]:
    """Cut *entries* where a request would pass ten messages or 1 MiB."""
    batch: list[_Entry] = []
    batch_bytes = 0
    for entry in entries:
        size = entry.size_bytes
        if len(batch) == MAX_BATCH_ENTRIES or (batch and batch_bytes + size > MAX_BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(entry)
        batch_bytes += size
    if batch:
        yield batch


class SqsEventQueue:
    """The queue between the two Lambdas, seen from the door."""

    def __init__(self, sender: SqsSender) -> None:
        self._sender = sender

    def put(self, events: Sequence[str], *, before: float) -> Mapping[int, str]:
        """
        Send *events*, JSON texts, one message each.

        They go unchanged, but for the two characters that JSON may hold bare and SQS may not: those
        are escaped, which means the same. Returns the positions of what could not be sent, and why.
        """
        entries = [
            _Entry(owner, _NOT_CARRIED.sub(_escape, event), {})
            for owner, event in enumerate(events)
        ]
        return self._sender.send(entries, before=before)


def _escape(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


class SqsDeadLetters:
    """The dead-letter queue."""

    def __init__(self, sender: SqsSender) -> None:
        self._sender = sender

    def put(self, letters: Sequence[DeadLetter], *, before: float) -> Mapping[int, str]:
        """Send *letters*. Returns the positions of those that could not be sent whole, and why."""
        entries = [
            entry for owner, letter in enumerate(letters) for entry in _entries(owner, letter)
        ]
        return self._sender.send(entries, before=before)


def _entries(owner: int, letter: DeadLetter) -> Iterator[_Entry]:
    """
    Give the messages that carry *letter*: one, but for a body that only fits into two.

    The body goes as it is, or as base64 where it is not text that SQS can carry.
    """
    attributes = {"ErrorCode": letter.code.value, "ErrorMessage": letter.code.sentence}
    if letter.request_id:
        attributes["RequestId"] = letter.request_id
    if letter.from_operator:
        attributes["Origin"] = "operator"
    room = MAX_BATCH_BYTES - ATTRIBUTE_BYTES
    text = _as_text(letter.body)
    if text is not None and len(letter.body) <= room:
        yield _Entry(owner, text, attributes)
        return
    attributes["BodyEncoding"] = "base64"
    size = room // 4 * 3
    pieces = [letter.body[start : start + size] for start in range(0, len(letter.body), size)]
    for number, piece in enumerate(pieces, start=1):
        part = {"BodyPart": f"{number}/{len(pieces)}"} if len(pieces) > 1 else {}
        yield _Entry(owner, b64encode(piece).decode(), attributes | part)


def _as_text(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _NOT_CARRIED.search(text) else text


class SqsRedelivery:
    """The queue between the two Lambdas, seen from its reader."""

    def __init__(
        self,
        client: Callable[[], "SQSClient"],
        queue_url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock

    def postpone(self, waits: Sequence[tuple[str, int]], *, before: float) -> None:
        """
        Hide messages, given as receipt handle and whole seconds, giving up at *before*.

        Best effort: a message whose wait cannot be set comes back after the queue's own.
        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
        """
        if not waits:
            return
        self._client()  # clients are safe to share between threads, not to build in them
        batches = [
            waits[start : start + MAX_BATCH_ENTRIES]
            for start in range(0, len(waits), MAX_BATCH_ENTRIES)
        ]
        with ThreadPoolExecutor(min(CONCURRENCY, len(batches))) as pool:
            for _ in pool.map(lambda batch: self._postpone_batch(batch, before), batches):
                pass

    def _postpone_batch(self, batch: Sequence[tuple[str, int]], before: float) -> None:
        for _ in range(POSTPONE_TRIES):
            if self._clock() + CALL_SECONDS > before:
                return
            try:
                self._client().change_message_visibility_batch(
                    QueueUrl=self._queue_url,
                    Entries=[
                        {"Id": str(position), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
                        for position, (handle, seconds) in enumerate(batch)
                    ],
                )
            except ClientError:
                return  # the queue's own visibility timeout holds
            except BotoCoreError:
                continue
            return
