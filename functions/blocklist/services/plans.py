"""Where an address belongs, and what Tencent has to be asked to bring it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.terms import Terms
from functions.blocklist.services.batch import IGNORED_WITHOUT_LEDGER, Asked


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


def plan(history: History, terms: Terms, *, repeated: bool) -> Plan:
    """
    Compare where an address belongs with where it may be.

    A term that may be there with another end is not left to `CreateCustomBlacklist`, whose effect
    on an entry that exists nobody documents. One that lasts too long is only made shorter where a
    person took something back. *repeated* tells that something may have been asked
    already, by an earlier delivery or before somebody else changed the history: an address that was
    unblocked since is removed to be sure, as that request may have come after the unblock.
    """
    until = history.blocked_until(terms)
    may_be_listed = bool(history.applied or history.asked)
    if until is None:
        must_go = history.is_taken_back and (may_be_listed or repeated)
        return Plan(history, None, Step.REMOVE if must_go else Step.NOTHING)
    lasts_too_long = history.is_taken_back and history.applied != until
    if history.applied and history.applied >= until and not history.asked and not lasts_too_long:
        return Plan(history, until, Step.NOTHING)
    return Plan(history, until, Step.REPLACE if may_be_listed else Step.CREATE)


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


def until_without_ledger(asked: Sequence[Asked], terms: Terms) -> date | None:
    """Give where an address belongs by what one batch says of it."""
    facts = [
        fact_of(ask) for ask in asked if ask.decision.ruling.action not in IGNORED_WITHOUT_LEDGER
    ]
    return History(facts).blocked_until(terms)
