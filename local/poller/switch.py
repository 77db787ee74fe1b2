"""
The mapping's switch: off, nothing is received any more.

Lambda finishes what it has; what comes after the switch waits on the queue:
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.poller.collector import Inbox
from local.poller.consumer_queue import QueueError, error_code
from local.poller.records import Received
from local.poller.shared import Shared

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

#: How old the answer to "is it on?" may be. Whoever switches needs longer to look.
_FRESH_SECONDS = 0.1


class ReturningInbox(Inbox, Protocol):
    """One that takes messages back."""

    def give_back(self, messages: Sequence[Received]) -> None:
        """Let *messages* be seen again at once."""


class Switch:
    """Whether the mapping *mapping_uuid* is on, asked no more often than it can matter."""

    def __init__(self, aws: Aws, mapping_uuid: str, *, clock: Callable[[], float]) -> None:
        self._lambda: LambdaClient = aws.client("lambda")
        self._uuid = mapping_uuid
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._was_on = False

    def is_on(self) -> bool:
        """
        Tell.

        Raises:
            QueueError: Lambda does not.
        """
        with self._lock:
            if self._clock() - self._asked_at >= _FRESH_SECONDS:
                self._was_on = self._ask()
                self._asked_at = self._clock()
            return self._was_on

    def _ask(self) -> bool:
        try:
            mapping = self._lambda.get_event_source_mapping(UUID=self._uuid)
        except (ClientError, BotoCoreError) as error:
            raise QueueError(error_code(error)) from error
        return mapping.get("State") == "Enabled"


class SwitchedInbox:
    """*inbox* while *is_on*; while it is not, nothing comes."""

    def __init__(self, inbox: ReturningInbox, *, is_on: Callable[[], bool], shared: Shared) -> None:
        self._inbox = inbox
        self._is_on = is_on
        self._shared = shared

    def receive(self, *, max_messages: int, wait_seconds: int) -> list[Received]:
        """
        Return up to *max_messages*, waiting so long for the first.

        Raises:
            QueueError: None could be received.
        """
        if not self._is_on():
            self._shared.pause(wait_seconds)
            return []
        messages = self._inbox.receive(max_messages=max_messages, wait_seconds=wait_seconds)
        if messages and not self._is_on():  # it was switched while this was waiting
            self._inbox.give_back(messages)
            return []
        return messages
