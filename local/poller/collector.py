"""
Collects one batch after the other.

Several work side by side, each with a buffer and a window of its own:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

import logging
import math
from collections import deque
from typing import Protocol

from local.poller.batches import RECEIVE_MESSAGES, Batch, Window
from local.poller.consumer_queue import QueueError
from local.poller.counters import Counts
from local.poller.records import Received
from local.poller.shared import Shared

#: One receive's. AWS's poller waits for up to 20 s; here it costs nothing to ask again, and a stop
#: takes no longer than this.
_LONGEST_WAIT_SECONDS = 1
#: SQS waits for a message in whole seconds; what is left of a window is asked for in such steps.
_SHORT_PAUSE_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Inbox(Protocol):
    """Where messages come from."""

    def receive(self, *, max_messages: int, wait_seconds: int) -> list[Received]:
        """
        Return up to *max_messages*, waiting so long for the first.

        Raises:
            QueueError: None could be received.
        """


class Collector:
    """Fills batches of up to *max_messages* from *inbox*."""

    def __init__(self, inbox: Inbox, *, max_messages: int, window: Window, shared: Shared) -> None:
        self._inbox = inbox
        self._max_messages = max_messages
        self._window = window
        self._shared = shared
        self._leftover: deque[Received] = deque()
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS

    @property
    def has_leftover(self) -> bool:
        """Whether messages were received that wait for the next batch."""
        return bool(self._leftover)

    def next_batch(self) -> list[Received]:
        """Collect until a batch is complete; when stopped return what there is, if only nothing."""
        opened_at = self._shared.clock()
        batch = Batch(max_messages=self._max_messages)
        while batch.take_from(self._leftover) and batch.room and not self._shared.is_stopping():
            rest_seconds = self._rest_seconds(batch, opened_at)
            if rest_seconds <= 0:
                break
            self._leftover.extend(self._receive(batch, rest_seconds))
        return batch.messages

    def _rest_seconds(self, batch: Batch, opened_at: float) -> float:
        """Return how long *batch* may wait; an empty one waits for a message, not for time."""
        if not batch.messages:
            return math.inf
        due_at = self._window.ends_at(
            opened_at=opened_at,
            first_at=batch.messages[0].received_at,
            messages=len(batch.messages),
        )
        return due_at - self._shared.clock()

    def _receive(self, batch: Batch, rest_seconds: float) -> list[Received]:
        wait_seconds = int(min(_LONGEST_WAIT_SECONDS, rest_seconds))
        try:
            messages = self._inbox.receive(
                max_messages=min(RECEIVE_MESSAGES, batch.room), wait_seconds=wait_seconds
            )
        except QueueError as error:
            self._back_off(error, rest_seconds)
            return []
        self._backoff_seconds = _FIRST_BACKOFF_SECONDS
        self._shared.counters.add(Counts(polled=len(messages)))
        if not messages and wait_seconds == 0:
            self._shared.pause(min(_SHORT_PAUSE_SECONDS, rest_seconds))
        return messages

    def _back_off(self, error: QueueError, rest_seconds: float) -> None:
        logger.warning("the queue cannot be read: %s", error)
        self._shared.counters.add(Counts(receive_errors=1))
        self._shared.pause(min(self._backoff_seconds, rest_seconds))
        self._backoff_seconds = min(2 * self._backoff_seconds, _LONGEST_BACKOFF_SECONDS)
