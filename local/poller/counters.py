"""What a poller did, in messages, under the names of the mapping's own metrics."""

import threading
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Counts:
    """
    So many messages, since the poller started.

    With nothing buffered or in flight, ``polled == deleted + failed + dropped``. The first four:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    polled: int = 0
    invoked: int = 0
    #: Of invocations that failed, or reported by the function.
    failed_invoke: int = 0
    deleted: int = 0
    #: Succeeded, but SQS would not delete them: they come again.
    undeleted: int = 0
    #: Never invoked: the function was throttled until their visibility timeout ended.
    dropped: int = 0
    #: Of those invoked: held longer than their visibility timeout, so they are processed twice.
    overdue: int = 0
    #: Calls to receive, not messages.
    receive_errors: int = 0

    @property
    def failed(self) -> int:
        """How many were left on the queue after an invocation."""
        return self.failed_invoke + self.undeleted

    @property
    def settled(self) -> int:
        """How many of those polled are neither buffered nor in flight any more."""
        return self.deleted + self.failed + self.dropped


class Counters:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = Counts()

    def add(self, more: Counts) -> None:
        """Count *more*, all of it at once."""
        with self._lock:
            self._counts = replace(
                self._counts,
                **{
                    field.name: getattr(self._counts, field.name) + getattr(more, field.name)
                    for field in fields(Counts)
                },
            )

    def read(self) -> Counts:
        """Return the counts of this moment."""
        with self._lock:
            return self._counts
