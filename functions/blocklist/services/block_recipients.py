"""
Use case: a batch of queue messages in, their recipients on the blocklist.

Every message ends in exactly one outcome. What fails, fails for its own messages only.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from functions.blocklist.domain.errors import ConfigurationError
from functions.blocklist.domain.redelivery import wait_seconds
from functions.blocklist.domain.terms import Terms
from functions.blocklist.services.batch import (
    IGNORED_WITHOUT_LEDGER,
    Batch,
    Decide,
    QueueMessage,
)
from functions.blocklist.services.enforcement import Enforcer, Times, enforce_without_ledger
from functions.blocklist.services.ports import (
    Blocklist,
    Brake,
    DeadLetters,
    Ledger,
    Pacer,
    Redelivery,
)
from functions.blocklist.services.reports import BlockReport, Outcome, RequestTotals
from functions.blocklist.services.requests import Requests


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """
    Monotonic times: no request starts after *last_start*, all is over before *end*.

    The ledger takes facts before *record_before*, the brake counts before *count_before*, the rest
    that requests need is written before *prepare_before*, and outcomes before *settle_before*. Each
    request ends within *request_seconds*.
    """

    record_before: float
    count_before: float
    prepare_before: float
    last_start: float
    settle_before: float
    end: float
    request_seconds: float

    @classmethod
    def within(cls, seconds: float, *, now: float) -> Self:
        """
        Share out the *seconds* that an invocation has from *now* on.

        A request may take a quarter and never over 15 s; handing the rest back gets a quarter and
        never under 4 s; what is in between is for starting requests, the first two thirds of it for
        the ledger's facts, what comes up to eight tenths for the brake, and the last tenth for
        nothing else. Outcomes may take half of the time
        to hand back, less where the last of them would then come after the end.
        """
        request_seconds = min(15.0, seconds / 4)
        hand_back_seconds = max(4.0, seconds / 4)
        start_seconds = seconds - hand_back_seconds - request_seconds
        return cls(
            record_before=now + start_seconds * 2 / 3,
            count_before=now + start_seconds * 8 / 10,
            prepare_before=now + start_seconds * 9 / 10,
            last_start=now + start_seconds,
            settle_before=now + seconds - max(2.5, hand_back_seconds / 2),
            end=now + seconds - 0.5,  # for logging, counting and answering
            request_seconds=request_seconds,
        )


def block_recipients(  # noqa: PLR0913 - what it needs is passed, not found
    messages: Sequence[QueueMessage],
    *,
    decide: Decide,
    terms: Terms,
    ledger: tuple[Ledger, Brake] | None,
    blocklist: Blocklist,
    pacer: Pacer,
    dead_letters: DeadLetters,
    redelivery: Redelivery,
    limits: TimeLimits,
    now: float,
    first_wait_seconds: float,
    spread: Callable[[], float],
    dry_run: bool = False,
) -> BlockReport:
    """
    Block whom *messages* say is to be blocked.

    In a dry run every decision is made, nothing is sent, and all counts as accepted. *now* is in
    epoch seconds; *spread* gives the random factor of `wait_seconds`.
    """
    batch = Batch(messages)
    batch.decide(decide)
    requests = Requests(
        blocklist, pacer, last_start=limits.last_start, timeout_seconds=limits.request_seconds
    )
    ledger_errors: Counter[tuple[str, str]] = Counter()
    if ledger:
        enforcer = Enforcer(
            batch.asked,
            requests,
            ledger=ledger[0],
            brake=ledger[1],
            terms=terms,
            times=Times(
                now,
                limits.record_before,
                limits.count_before,
                limits.prepare_before,
                limits.settle_before,
            ),
            dry_run=dry_run,
        )
        enforcer.enforce()
        ledger_errors = enforcer.errors
        batch.settle(enforcer.results, unrecorded=enforcer.unrecorded, held=enforcer.held)
    else:
        batch.settle(
            enforce_without_ledger(batch.asked, requests, now=now, dry_run=dry_run),
            ignored=IGNORED_WITHOUT_LEDGER,
        )
    dead_lettered, not_dead_lettered = batch.send_dead_letters(dead_letters, before=limits.end)
    retried = batch.messages_with(Outcome.RETRIED)
    waits = [_wait(message, first_wait_seconds, spread) for message in retried]
    redelivery.postpone(waits, before=limits.end)
    return BlockReport(
        messages=Counter(batch.outcomes),
        decisions=batch.decisions(),
        retry_message_ids=_ids(retried),
        dead_lettered=dead_lettered,
        not_dead_lettered=not_dead_lettered,
        totals=requests.totals,
        ledger_errors=ledger_errors,
        oldest_accepted_at=min(batch.accepted_times(), default=None),
        most_receives=_most_receives(retried),
    )


def hand_back(  # noqa: PLR0913 - as above
    messages: Sequence[QueueMessage],
    *,
    error: ConfigurationError,
    redelivery: Redelivery,
    limits: TimeLimits,
    first_wait_seconds: float,
    spread: Callable[[], float],
) -> BlockReport:
    """Give *messages* back, all of them, since *error* lets nothing be decided about any."""
    waits = [_wait(message, first_wait_seconds, spread) for message in messages]
    redelivery.postpone(waits, before=limits.end)
    return BlockReport(
        messages=Counter({Outcome.RETRIED: len(messages)}),
        decisions={},
        retry_message_ids=_ids(messages),
        dead_lettered=(),
        not_dead_lettered={},
        totals=RequestTotals(
            configuration_errors=1, errors=Counter({(type(error).__name__, error.code): 1})
        ),
        ledger_errors={},
        oldest_accepted_at=None,
        most_receives=_most_receives(messages),
    )


def _wait(
    message: QueueMessage, first_seconds: float, spread: Callable[[], float]
) -> tuple[str, int]:
    seconds = wait_seconds(message.receive_count, first=first_seconds, spread=spread())
    return message.receipt_handle, seconds


def _ids(messages: Sequence[QueueMessage]) -> Sequence[str]:
    return tuple(dict.fromkeys(message.queue_message_id for message in messages))


def _most_receives(messages: Sequence[QueueMessage]) -> int:
    return max((message.receive_count for message in messages), default=0)
