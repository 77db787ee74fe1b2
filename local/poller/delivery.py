"""
Hands a batch over and settles it with the queue.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html : what succeeded is
deleted; what failed is left alone and returns when its visibility timeout ends, whichever the
handler set; a throttled batch is tried again until then.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from local.poller.answers import failed_ids
from local.poller.counters import Counts
from local.poller.records import Received, to_event
from local.poller.shared import Shared
from local.poller.targets import InvocationError, Invoke, ThrottledError

_FIRST_BACKOFF_SECONDS = 0.25
_LONGEST_BACKOFF_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Outbox(Protocol):
    """Where messages go when they are done with."""

    def delete(self, messages: Sequence[Received]) -> list[Received]:
        """Delete *messages* and return those that stay."""


class Delivery:
    """Delivers batches, any number at a time. When the poller stops, nothing is tried again."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        invoke: Invoke,
        reports_item_failures: bool,
        visibility_seconds: int,
        shared: Shared,
    ) -> None:
        self._outbox = outbox
        self._invoke = invoke
        self._reports_item_failures = reports_item_failures
        self._visibility_seconds = visibility_seconds
        self._shared = shared

    def deliver(self, batch: Sequence[Received]) -> None:
        """Invoke the function with *batch* and delete what succeeded."""
        invoked, failed = self._invoke_until_taken(batch)
        self._report_overdue(invoked)
        succeeded = [message for message in invoked if message.message_id not in failed]
        undeleted = self._outbox.delete(succeeded)
        if undeleted:
            logger.warning("not deleted, will come again: %s", _ids(undeleted))
        self._shared.counters.add(
            Counts(
                invoked=len(invoked),
                failed_invoke=len(invoked) - len(succeeded),
                deleted=len(succeeded) - len(undeleted),
                undeleted=len(undeleted),
                dropped=len(batch) - len(invoked),
            )
        )

    def _invoke_until_taken(
        self, batch: Sequence[Received]
    ) -> tuple[Sequence[Received], frozenset[str]]:
        """Return what the function got in the end, and which ids of that failed."""
        backoff_seconds = _FIRST_BACKOFF_SECONDS
        live = batch
        while live:
            try:
                return live, self._failed(live)
            except ThrottledError:
                is_over = self._shared.pause(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, _LONGEST_BACKOFF_SECONDS)
            live = [] if is_over else [message for message in live if not self._is_overdue(message)]
        logger.warning("throttled for too long: %d messages dropped", len(batch))
        return [], frozenset()

    def _failed(self, batch: Sequence[Received]) -> frozenset[str]:
        everything = frozenset(message.message_id for message in batch)
        try:
            answer, function_error = self._invoke(to_event(batch))
        except InvocationError as error:
            logger.warning("the function could not be invoked: %s", error)
            return everything
        if function_error:
            return everything
        return failed_ids(answer, everything) if self._reports_item_failures else frozenset()

    def _report_overdue(self, batch: Sequence[Received]) -> None:
        if overdue := [message for message in batch if self._is_overdue(message)]:
            logger.warning("longer here than their visibility timeout: %s", _ids(overdue))
            self._shared.counters.add(Counts(overdue=len(overdue)))

    def _is_overdue(self, message: Received) -> bool:
        return self._shared.clock() - message.received_at >= self._visibility_seconds


def _ids(messages: Sequence[Received]) -> str:
    return ", ".join(message.message_id for message in messages)
