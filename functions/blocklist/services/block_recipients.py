"""
Use case: a batch of queue messages in, their recipients on the blocklist.

Every message ends in exactly one outcome. What fails, fails for its own messages only.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.decisions import Block, Decision
from functions.blocklist.domain.events import DeliveryEvent
from functions.blocklist.domain.redelivery import wait_seconds
from functions.blocklist.services.ports import Blocklist, DeadLetters, Pacer, Redelivery
from functions.blocklist.services.reports import BlockReport, DeadLettered, Outcome, Refusal
from functions.blocklist.services.requests import Requests


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """
    One message from the queue, decoded.

    *queue_message_id* stays the same across redeliveries, *receipt_handle* does not. *events* holds
    a code in place of each event that could not be decoded.
    """

    queue_message_id: str
    receipt_handle: str = field(repr=False)
    receive_count: int
    body: bytes = field(repr=False)
    events: Sequence[DeliveryEvent | ErrorCode] = field(repr=False)
    from_operator: bool = False


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """
    Monotonic times: no request starts after *last_start*, all is over before *end*.

    Each request ends within *request_seconds*.
    """

    last_start: float
    end: float
    request_seconds: float

    @classmethod
    def within(cls, seconds: float, *, now: float) -> Self:
        """
        Share out the *seconds* that an invocation has from *now* on.

        A request may take a quarter and never over 15 s; handing the rest back gets a quarter and
        never under 4 s; what is in between is for starting requests.
        """
        request_seconds = min(15.0, seconds / 4)
        hand_back_seconds = max(4.0, seconds / 4)
        return cls(
            last_start=now + seconds - hand_back_seconds - request_seconds,
            end=now + seconds - 0.5,  # for logging, counting and answering
            request_seconds=request_seconds,
        )


def block_recipients(  # noqa: PLR0913 - what it needs is passed, not found
    messages: Sequence[QueueMessage],
    *,
    decide: Callable[[DeliveryEvent, bool], Decision],
    blocklist: Blocklist,
    pacer: Pacer,
    dead_letters: DeadLetters,
    redelivery: Redelivery,
    limits: TimeLimits,
    first_wait_seconds: float,
    spread: Callable[[], float],
    dry_run: bool = False,
) -> BlockReport:
    """
    Block whom *messages* say is to be blocked.

    In a dry run every decision is made, nothing is sent, and all counts as accepted. *decide* takes
    an event and whether an operator sent it; *spread* gives the random factor of `wait_seconds`.
    """
    batch = _Batch(messages)
    batch.decide(decide)
    requests = Requests(
        blocklist, pacer, last_start=limits.last_start, timeout_seconds=limits.request_seconds
    )
    if dry_run:
        requests.accepted.update(batch.askers)
    else:
        for until, recipients in batch.recipients_by_term().items():
            requests.block(recipients, until=until)
        requests.finish()
    batch.settle(requests)
    dead_lettered, not_dead_lettered = batch.send_dead_letters(dead_letters, before=limits.end)
    retried = batch.messages_with(Outcome.RETRIED)
    redelivery.postpone(
        [
            (
                message.receipt_handle,
                wait_seconds(message.receive_count, first=first_wait_seconds, spread=spread()),
            )
            for message in retried
        ],
        before=limits.end,
    )
    return BlockReport(
        messages=Counter(batch.outcomes),
        retry_message_ids=tuple(dict.fromkeys(message.queue_message_id for message in retried)),
        dead_lettered=dead_lettered,
        not_dead_lettered=not_dead_lettered,
        totals=requests.totals,
        oldest_accepted_at=_oldest(batch.messages_with(Outcome.ACCEPTED)),
        most_receives=max((message.receive_count for message in retried), default=0),
    )


class _Batch:
    """Which message asked for what, and how each of them stands; by position in the batch."""

    def __init__(self, messages: Sequence[QueueMessage]) -> None:
        self.outcomes = [Outcome.IGNORED] * len(messages)
        self.askers: defaultdict[str, list[int]] = defaultdict(list)
        self._messages = messages
        self._terms: dict[str, date | None] = {}
        self._refusals: dict[int, Refusal] = {}

    def messages_with(self, outcome: Outcome) -> list[QueueMessage]:
        pairs = zip(self._messages, self.outcomes, strict=True)
        return [message for message, own in pairs if own is outcome]

    def decide(self, decide: Callable[[DeliveryEvent, bool], Decision]) -> None:
        for position, message in enumerate(self._messages):
            for event in message.events:
                decision = (
                    event if isinstance(event, ErrorCode) else decide(event, message.from_operator)
                )
                if isinstance(decision, Block):
                    self._ask(position, decision)
                elif decision:
                    self._refuse(position, Refusal(decision))

    def recipients_by_term(self) -> dict[date | None, list[str]]:
        """Every recipient once, under its own longest term."""
        groups: defaultdict[date | None, list[str]] = defaultdict(list)
        for recipient, until in self._terms.items():
            groups[until].append(recipient)
        return groups

    def settle(self, requests: Requests) -> None:
        for recipient, positions in self.askers.items():
            refusal = requests.refused.get(recipient)
            accepted = recipient in requests.accepted
            for position in positions:
                if refusal:
                    self._refuse(position, refusal)
                else:
                    self._worsen(position, Outcome.ACCEPTED if accepted else Outcome.RETRIED)

    def send_dead_letters(
        self, dead_letters: DeadLetters, *, before: float
    ) -> tuple[Sequence[DeadLettered], Counter[str]]:
        """Send what can never succeed; what cannot be sent goes back to the queue instead."""
        positions = [
            position
            for position, outcome in enumerate(self.outcomes)
            if outcome is Outcome.DEAD_LETTERED
        ]
        failed = dead_letters.put([self._letter(position) for position in positions], before=before)
        for index in failed:
            self.outcomes[positions[index]] = Outcome.RETRIED
        sent = [position for index, position in enumerate(positions) if index not in failed]
        return [
            DeadLettered(self._messages[position].queue_message_id, self._refusals[position])
            for position in sent
        ], Counter(failed.values())

    def _letter(self, position: int) -> DeadLetter:
        message, refusal = self._messages[position], self._refusals[position]
        return DeadLetter(message.body, refusal.code, refusal.request_id, message.from_operator)

    def _ask(self, position: int, block: Block) -> None:
        known = block.recipient in self._terms
        until = self._terms[block.recipient] if known else block.until
        self._terms[block.recipient] = until and block.until and max(until, block.until)
        self.askers[block.recipient].append(position)

    def _refuse(self, position: int, refusal: Refusal) -> None:
        self._refusals.setdefault(position, refusal)
        self._worsen(position, Outcome.DEAD_LETTERED)

    def _worsen(self, position: int, outcome: Outcome) -> None:
        self.outcomes[position] = max(self.outcomes[position], outcome)


def _oldest(messages: Sequence[QueueMessage]) -> float | None:
    return min(
        (
            event.occurred_at
            for message in messages
            for event in message.events
            if isinstance(event, DeliveryEvent) and event.occurred_at is not None
        ),
        default=None,
    )
