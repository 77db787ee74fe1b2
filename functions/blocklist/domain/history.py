"""
What is known of one address, and what follows from it.

All that follows is a function of sets that only grow: the facts, one for each distinct event, the
unblocks, and the facts that were disowned. So neither order, nor batches, nor repetition, nor a
crash changes where an address ends: docs/decisions/0014 and 0048 have the argument,
tests/functions/blocklist/domain/test_history.py the property. Held facts are the one exception:
they wait for a person.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import (
    DAY_SECONDS,
    FOR_GOOD_DAYS,
    Strikes,
    Terms,
    last_day,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One event, as far as it can matter for a block.

    *at* is when it happened, in epoch seconds; *mail* tells different mails apart. *days* is the
    first term of `BLOCK_UNTIL`, *until* the day that an operator or an earlier list asked for.
    """

    key: str
    at: float
    action: Action
    mail: str = field(default="", repr=False)
    days: int = 0
    until: date | None = None


@dataclass(frozen=True, slots=True)
class History:
    """
    One address: its *facts*, the keys of those that are *held*, and when it was *unblocked*.

    *disowned* are the keys of facts that a person declared a mistake, as if they had never been.
    *applied* is until when it is on Tencent's list by our doing, `FOR_GOOD` for good; *asked* is
    the same for what may have been made, or taken off to be made, without an answer. *changes*
    counts how often either was written: they may stand as before, and Tencent's entry not.
    """

    facts: Sequence[Fact] = ()
    held: frozenset[str] = frozenset()
    unblocked: frozenset[float] = frozenset()
    disowned: frozenset[str] = frozenset()
    applied: date | None = None
    asked: date | None = None
    changes: int = 0

    @property
    def last_unblock(self) -> float:
        """When it was unblocked last; minus infinity for never."""
        return max(self.unblocked, default=float("-inf"))

    @property
    def is_taken_back(self) -> bool:
        """Tell whether a person took something back, so that a block may have grown shorter."""
        return bool(self.unblocked or self.disowned)

    def blocked_until(self, terms: Terms) -> date | None:
        """Give the last day of its longest block, `FOR_GOOD` for good, or None."""
        return max(self._blocks(terms), default=None)

    def _blocks(self, terms: Terms) -> Iterator[date]:
        """
        Yield the last day of every term that no unblock has taken back.

        A term's length follows from those that were over when it began. An event that came while
        one was running may count as the first or as a further one, by which of the events began it;
        so for each length the earliest end is kept at which a term of it can have been over. More
        facts can only make that earlier, and so all blocks longer.
        """
        out = self.held | self.disowned
        over: dict[int, float] = {0: float("-inf")}
        strikes: list[Fact] = []
        for fact in sorted(self.facts, key=lambda fact: (fact.at, fact.key)):
            if fact.key in out or fact.action is Action.IGNORE:
                continue
            if fact.action is Action.STRIKE:
                strikes.append(fact)
            if fact.until:
                lengths = set()
            else:
                fresh = self._since_unblock(strikes, fact.at)
                lengths = {
                    _length(fact, earlier, terms)
                    for earlier, end in over.items()
                    if end <= fact.at and _counts(fact, fresh, since=end, rule=terms.strikes)
                }
            for length in lengths:
                over[length] = min(self._end(fact.at, length), over.get(length, float("inf")))
            if fact.at > self.last_unblock and (lengths or fact.until):
                yield fact.until or last_day(fact.at, max(lengths))

    def _since_unblock(self, strikes: Sequence[Fact], at: float) -> Sequence[Fact]:
        """Give those of *strikes* that no unblock before *at* has taken back."""
        freed = max((moment for moment in self.unblocked if moment < at), default=None)
        return strikes if freed is None else [strike for strike in strikes if strike.at > freed]

    def _end(self, at: float, length: int) -> float:
        """When a term is over: in its time, or at an unblock before."""
        in_time = float("inf") if length == FOR_GOOD_DAYS else at + length * DAY_SECONDS
        return min([in_time, *(moment for moment in self.unblocked if moment >= at)])


def _length(fact: Fact, earlier: int, terms: Terms) -> int:
    """Give the days of the term that *fact* begins after one of *earlier* days, 0 for none."""
    if fact.action is Action.BLOCK:
        return FOR_GOOD_DAYS
    longer = terms.next_after(earlier)
    if fact.action is Action.STRIKE:
        return longer
    return max(fact.days, longer) if earlier else fact.days


def _counts(fact: Fact, strikes: Sequence[Fact], *, since: float, rule: Strikes) -> bool:
    """Tell whether *fact* blocks: a strike does only as the last of enough *since* a moment."""
    if fact.action is not Action.STRIKE:
        return True
    start = max(since, fact.at - rule.window_days * DAY_SECONDS)
    fresh = [strike for strike in strikes if strike.at >= start]
    mails = {strike.mail for strike in fresh}
    days = {last_day(strike.at, 0) for strike in fresh}
    return len(mails) >= rule.mails and len(days) >= rule.days
