"""Where an address belongs, and what Tencent has to be asked to bring it there."""

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD, Terms, last_day
from functions.blocklist.services.batch import Asked

#: Asked for with every event, and an enumeration takes its time to find a member.
_BLOCK, _BLOCK_UNTIL = Action.BLOCK, Action.BLOCK_UNTIL


class Step(Enum):
    """What Tencent has to be asked about an address."""

    NOTHING = auto()
    CREATE = auto()
    REPLACE = auto()  # delete, then create
    REMOVE = auto()


@dataclass(frozen=True, slots=True)
class Plan:
    """Where an address stands, where it belongs (*until*, None for off the list), and the step."""

    history: History
    until: date | None
    step: Step

    @property
    def is_new_block(self) -> bool:
        """Tell whether somebody is to be blocked who was not, or for longer."""
        return bool(self.until and (not self.history.applied or self.until > self.history.applied))


def plan(history: History, terms: Terms, *, repeated: bool, is_news: bool, today: date) -> Plan:
    """
    Compare where an address belongs with where it may be.

    A term that may be there with another end is not left to `CreateCustomBlacklist`, whose effect
    on an entry that exists nobody documents. One that lasts too long is only made shorter where a
    person took something back. *repeated* tells that something may have been asked
    already, by an earlier delivery or before somebody else changed the history: an address that was
    unblocked or held since is brought back to be sure, as that request may have taken effect. So is
    an entry that it may have taken off to replace it, after somebody else had done the same.

    A term that was over before *today* blocks nobody any more, unless it *is_news*: begun by an
    event of this batch, which comes late and is blocked for as short as Tencent takes.
    """
    until = history.blocked_until(terms)
    may_be_listed = bool(history.applied or history.asked)
    if until is None:
        was_taken_back = history.is_taken_back or bool(history.held)
        must_go = was_taken_back and (may_be_listed or repeated)
        return Plan(history, None, Step.REMOVE if must_go else Step.NOTHING)
    in_doubt = bool(history.asked or (repeated and (history.held or _may_have_been_off(history))))
    lasts_too_long = history.is_taken_back and history.applied != until
    lasts = history.applied and history.applied >= until
    is_over = until < today and not is_news and not may_be_listed
    if is_over:
        return Plan(history, None, Step.NOTHING)
    if lasts and not in_doubt and not lasts_too_long:
        return Plan(history, until, Step.NOTHING)
    return Plan(history, until, Step.REPLACE if may_be_listed else Step.CREATE)


def _may_have_been_off(history: History) -> bool:
    """Tell whether anything can have led to a deletion, as blocks for good alone cannot."""
    return history.is_taken_back or any(
        fact.until or fact.action in {Action.STRIKE, _BLOCK_UNTIL} for fact in history.facts
    )


def fact_of(ask: Asked) -> Fact:
    """Give the fact that an event leaves in the ledger."""
    event, ruling = ask.event, ask.decision.ruling
    return Fact(
        key=event.key,
        at=ask.happened_at,
        action=ruling.action,
        mail=event.bulk_id or event.message_id,
        days=ruling.days,
        until=ask.decision.until,
    )


def until_without_ledger(ask: Asked) -> date | None:
    """Give the last day of the term that one event begins, knowing of no other."""
    ruling = ask.decision.ruling
    if ruling.action is _BLOCK:
        return ask.decision.until or FOR_GOOD
    if ruling.action is _BLOCK_UNTIL:
        return last_day(ask.happened_at, ruling.days)
    return None
