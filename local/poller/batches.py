"""
When a batch is complete.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html : at whichever comes
first of the batching window, the batch size, and 6 MB.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from local.poller.records import Received, serialise

#: What a function can be invoked with, the records' metadata and the brackets around them included.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
#: "Lambda might wait for up to 20 seconds [...] even if you set a batch window lower than 20
#: seconds", on a quiet queue: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
QUIET_QUEUE_SECONDS = 20
#: What one receive brings at most. A batch that is no larger comes from a quiet queue.
RECEIVE_MESSAGES = 10

_ENVELOPE_BYTES = len(serialise({"Records": []}))
_COMMA_BYTES = 1


class WindowStart(Enum):
    """What a batching window is counted from."""

    #: The batch's first message: nothing waits longer than the window, so tests can be exact.
    FIRST_MESSAGE = auto()
    #: The end of the previous invocation, as on AWS; and as late as AWS may be on a quiet queue.
    PREVIOUS_INVOCATION = auto()


@dataclass(frozen=True, slots=True)
class Window:
    """A batching window, and what it is counted from. Of 0 seconds: one receive is one batch."""

    seconds: int
    start: WindowStart = WindowStart.FIRST_MESSAGE

    def ends_at(self, *, opened_at: float, first_at: float, messages: int) -> float:
        """
        Return when a batch is due that was begun at *opened_at*.

        Its first of so many *messages* came at *first_at*, before *opened_at* if it was left over.
        """
        first_at = max(first_at, opened_at)
        if self.start is WindowStart.FIRST_MESSAGE or self.seconds == 0:
            return first_at + self.seconds
        empty_windows = math.floor((first_at - opened_at) / self.seconds)
        is_quiet = messages < RECEIVE_MESSAGES
        seconds = max(self.seconds, QUIET_QUEUE_SECONDS) if is_quiet else self.seconds
        return opened_at + empty_windows * self.seconds + seconds


class Batch:
    """The messages of one invocation to come: no more than *max_messages*, nor than 6 MB."""

    def __init__(self, *, max_messages: int) -> None:
        self.messages: list[Received] = []
        self._max_messages = max_messages
        self._bytes = _ENVELOPE_BYTES

    @property
    def room(self) -> int:
        """How many messages more it may hold."""
        return self._max_messages - len(self.messages)

    def take_from(self, waiting: deque[Received]) -> bool:
        """Take from the left of *waiting* what fits; False when the next one did not."""
        while waiting:
            if not self._fits(waiting[0]):
                return False
            self._bytes += self._cost(waiting[0])
            self.messages.append(waiting.popleft())
        return True

    def _fits(self, message: Received) -> bool:
        if not self.messages:
            return True  # it will not fit better anywhere else
        return self.room > 0 and self._bytes + self._cost(message) <= MAX_PAYLOAD_BYTES

    def _cost(self, message: Received) -> int:
        return message.size_bytes + (_COMMA_BYTES if self.messages else 0)
