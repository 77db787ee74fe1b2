"""What an invocation did, as facts for the handler to log, count and answer with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.policy import Action


class Outcome(IntEnum):
    """What became of a message. One with several goes the worst way, which is the greatest."""

    IGNORED = 0
    ACCEPTED = 1
    DEAD_LETTERED = 2
    RETRIED = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message can never succeed, and the request that told, if it took one."""

    code: ErrorCode
    request_id: str | None = None


@dataclass(slots=True)
class RequestTotals:
    """
    Requests made, and recipients by the answer that told of them.

    A recipient that narrowing down sent again still counts as its first answer said: the repeats
    are ours.
    """

    requests: int = 0
    rate_limited: int = 0
    configuration_errors: int = 0
    added: int = 0
    repeated: int = 0
    refused: int = 0
    uncounted: int = 0
    #: (kind of error, vendor's code) -> how often
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    last_failed_request_id: str | None = None

    @property
    def sent(self) -> int:
        """Distinct recipients that were answered for."""
        return self.added + self.repeated + self.refused + self.uncounted


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """One message that went to the dead-letter queue."""

    queue_message_id: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class BlockReport:
    """
    What became of a batch of messages.

    *messages* counts them by outcome, *decisions* the events of those that are done with
    by rule and action; *retry_message_ids* are those that SQS must deliver again. *ledger_errors*
    counts the recipients that the ledger failed for by kind of error and code.
    *not_dead_lettered* counts dead letters that could not be sent by the code that says why.
    *most_receives* is how often the most received of the messages to deliver again came already.
    """

    messages: Mapping[Outcome, int]
    decisions: Mapping[tuple[str, Action], int]
    retry_message_ids: Sequence[str]
    dead_lettered: Sequence[DeadLettered]
    not_dead_lettered: Mapping[str, int]
    totals: RequestTotals
    ledger_errors: Mapping[tuple[str, str], int]
    oldest_accepted_at: float | None
    most_receives: int
