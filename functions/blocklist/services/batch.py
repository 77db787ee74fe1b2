"""A batch of queue messages: which of them asked for what, and how each of them stands."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.decisions import Decision, Judgement
from functions.blocklist.domain.events import DeliveryEvent
from functions.blocklist.domain.policy import Action
from functions.blocklist.services.ports import DeadLetters
from functions.blocklist.services.reports import DeadLettered, Outcome, Refusal

#: Judges an event; the second argument tells whether an operator sent it.
Decide = Callable[[DeliveryEvent, bool], Judgement]

IGNORED_WITH_LEDGER = frozenset({Action.IGNORE})
#: One strike blocks nobody, and without a ledger there is never more than one.
IGNORED_WITHOUT_LEDGER = frozenset({Action.IGNORE, Action.STRIKE})
HELD = Refusal(ErrorCode.HELD)


class QueueMessage(Protocol):
    """One message from the queue, decoded."""

    @property
    def queue_message_id(self) -> str:
        """The same for every delivery of the message."""

    @property
    def receipt_handle(self) -> str:
        """Another one for every delivery."""

    @property
    def receive_count(self) -> int:
        """How often it was delivered, this time included."""

    @property
    def sent_at(self) -> float:
        """When it came to the queue, in epoch seconds; 0 where nobody says."""

    @property
    def body(self) -> bytes:
        """What was sent, byte for byte."""

    @property
    def events(self) -> Sequence[DeliveryEvent | ErrorCode]:
        """Its events, with a code in place of each that could not be decoded."""

    @property
    def from_operator(self) -> bool:
        """Tell whether our own command line sent it."""


@dataclass(slots=True)
class Asked:
    """
    One event about a recipient: which message it came with, and what was decided.

    Not frozen, as `DeliveryEvent` and `Decision`: they are made by the thousand.
    """

    position: int
    message: QueueMessage
    event: DeliveryEvent
    decision: Decision

    @property
    def is_ignored(self) -> bool:
        """Tell whether nothing was decided but to take note."""
        return self.decision.ruling.action is Action.IGNORE

    @property
    def happened_at(self) -> float:
        """When it happened, in epoch seconds; never later than it came to the queue."""
        reported, sent_at = self.event.occurred_at, self.message.sent_at
        if reported is None:
            return sent_at
        return min(reported, sent_at) if sent_at else reported


class Batch:
    """Messages by their position, and what they ask for by recipient."""

    def __init__(self, messages: Sequence[QueueMessage]) -> None:
        self.outcomes = [Outcome.IGNORED] * len(messages)
        self.asked: defaultdict[str, list[Asked]] = defaultdict(list)
        self._messages = messages
        self._decided: list[Asked] = []
        self._refusals: dict[int, Refusal] = {}

    def decide(self, decide: Decide) -> None:
        """Decide about every event; what can never be decided is refused at once."""
        decided, by_recipient = self._decided, self.asked
        for position, message in enumerate(self._messages):
            for event in message.events:
                if not isinstance(event, DeliveryEvent):
                    self._refuse(position, Refusal(event))
                    continue
                decision = decide(event, message.from_operator)
                if not isinstance(decision, Decision):
                    self._refuse(position, Refusal(decision))
                    continue
                asked = Asked(position, message, event, decision)
                decided.append(asked)
                if decision.recipient:
                    by_recipient[decision.recipient].append(asked)

    def settle(
        self,
        results: Mapping[str, Outcome | Refusal],
        *,
        unrecorded: Collection[str] = (),
        held: Mapping[str, Collection[str]] = MappingProxyType({}),
        ignored: Collection[Action] = IGNORED_WITH_LEDGER,
    ) -> None:
        """
        Give every message the worst of its recipients' *results*.

        An event whose action is one of the *ignored* stays so whatever becomes of its recipient,
        unless that is one of the *unrecorded*. One whose key is among its recipient's *held* ones
        waits for a person, even where another event blocks the recipient.
        """
        outcomes = self.outcomes
        for recipient, asked in self.asked.items():
            result, own_held = results[recipient], held.get(recipient)
            for ask in asked:
                if ask.decision.ruling.action in ignored and recipient not in unrecorded:
                    continue
                # A key is dear to make: only where something is held.
                if own_held and result is not Outcome.RETRIED and ask.event.key in own_held:
                    self._refuse(ask.position, HELD)
                elif isinstance(result, Refusal):
                    self._refuse(ask.position, result)
                elif result > outcomes[ask.position]:
                    outcomes[ask.position] = result

    def messages_with(self, outcome: Outcome) -> list[QueueMessage]:
        """Give the messages that stand so."""
        pairs = zip(self._messages, self.outcomes, strict=True)
        return [message for message, own in pairs if own is outcome]

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

    def decisions(self) -> Counter[tuple[str, Action]]:
        """Count decisions by rule and action; what comes back counts when it is done with."""
        outcomes, retried = self.outcomes, Outcome.RETRIED
        rulings = [
            asked.decision.ruling
            for asked in self._decided
            if outcomes[asked.position] is not retried
        ]
        return Counter([(ruling.rule, ruling.action) for ruling in rulings])

    def accepted_times(self) -> Sequence[float]:
        """Give when the events of accepted messages happened, as reported."""
        outcomes, accepted = self.outcomes, Outcome.ACCEPTED
        times = [
            asked.event.occurred_at
            for asked in self._decided
            if outcomes[asked.position] is accepted
        ]
        return [time for time in times if time is not None]

    def _letter(self, position: int) -> DeadLetter:
        message, refusal = self._messages[position], self._refusals[position]
        return DeadLetter(message.body, refusal.code, refusal.request_id, message.from_operator)

    def _refuse(self, position: int, refusal: Refusal) -> None:
        if refusal == HELD or position not in self._refusals:
            self._refusals[position] = refusal
        self.outcomes[position] = max(self.outcomes[position], Outcome.DEAD_LETTERED)
