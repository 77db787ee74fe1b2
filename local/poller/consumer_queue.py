"""The queue, in the name of the function's role: what the role may not do fails here as on AWS."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.poller.records import Received, to_received

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient

_DELETE_MESSAGES = 10
_RENEW_BEFORE = timedelta(minutes=5)
_SESSION_NAME = "event-source-mapping"

logger = logging.getLogger(__name__)


class QueueError(Exception):
    """SQS did not do what it was asked; carries its code."""


class ConsumerQueue:
    """Receives and deletes. Credentials are asked for anew before they expire."""

    def __init__(
        self,
        aws: Aws,
        *,
        queue_arn: str,
        role_arn: str,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._aws = aws
        self._queue_arn = queue_arn
        self._role_arn = role_arn
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._sqs: SQSClient | None = None
        self._expires = datetime.min.replace(tzinfo=UTC)
        # AWS needs no right of the role to find the queue, nor to leave a message alone.
        self._root: SQSClient = aws.client("sqs")
        self._url = self._root.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]

    def visibility_seconds(self) -> int:
        """
        Return the queue's visibility timeout.

        Raises:
            QueueError: Among others: the role lacks `sqs:GetQueueAttributes`.
        """
        try:
            answer = self._client().get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["VisibilityTimeout"]
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueError(error_code(error)) from error
        return int(answer["Attributes"]["VisibilityTimeout"])

    def receive(self, *, max_messages: int, wait_seconds: int) -> list[Received]:
        """
        Return up to *max_messages*, waiting so long for the first.

        Raises:
            QueueError: None could be received.
        """
        try:
            answer = self._client().receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=max_messages,
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueError(error_code(error)) from error
        received_at = self._clock()
        return [
            to_received(message, queue_arn=self._queue_arn, received_at=received_at)
            for message in answer.get("Messages", [])
        ]

    def give_back(self, messages: Sequence[Received]) -> None:
        """Let *messages* be seen again at once; when that fails, their visibility does so later."""
        try:
            self._root.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(position),
                        "ReceiptHandle": message.receipt_handle,
                        "VisibilityTimeout": 0,
                    }
                    for position, message in enumerate(messages)
                ],
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("messages not given back: %s", error_code(error))

    def delete(self, messages: Sequence[Received]) -> list[Received]:
        """Delete *messages*, trying twice, and return those that stay."""
        left = messages
        for _ in range(2):
            left = [
                message
                for start in range(0, len(left), _DELETE_MESSAGES)
                for message in self._delete_batch(left[start : start + _DELETE_MESSAGES])
            ]
        return list(left)

    def _delete_batch(self, messages: Sequence[Received]) -> list[Received]:
        try:
            answer = self._client().delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": message.receipt_handle}
                    for position, message in enumerate(messages)
                ],
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("messages not deleted: %s", error_code(error))
            return list(messages)
        return [messages[int(failure["Id"])] for failure in answer.get("Failed", [])]

    def _client(self) -> "SQSClient":
        with self._lock:
            if self._sqs is None or self._now() >= self._expires - _RENEW_BEFORE:
                sts: STSClient = self._aws.client("sts")
                credentials = sts.assume_role(
                    RoleArn=self._role_arn, RoleSessionName=_SESSION_NAME
                )["Credentials"]
                self._expires = credentials["Expiration"]
                self._sqs = self._aws.as_role(credentials).client("sqs")
            return self._sqs


def error_code(error: ClientError | BotoCoreError) -> str:
    """Return the code that AWS gave, or the name of what kept it from answering."""
    if isinstance(error, ClientError):
        return str(error.response["Error"].get("Code"))
    return type(error).__name__
