"""
Bring the recipients of a batch to where they belong: on Tencent's list until their day, or off it.

With a ledger, where one belongs follows from all that is known of it, and what was done is written
there: the facts before the request, the outcome after it, each only if nobody else came between.
Without one it follows from the batch alone, so that strikes block nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from functions.blocklist.domain.errors import ConfigurationError, RetryLaterError
from functions.blocklist.domain.history import History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD, Terms, expire_date, last_day
from functions.blocklist.services.batch import HELD, Asked
from functions.blocklist.services.plans import Plan, Step, fact_of, plan, until_without_ledger
from functions.blocklist.services.ports import Brake, Braked, Change, Ledger, Record
from functions.blocklist.services.reports import Outcome, Refusal
from functions.blocklist.services.requests import Requests

Result: TypeAlias = Outcome | Refusal
AskedByRecipient: TypeAlias = Mapping[str, Sequence[Asked]]

#: How often a recipient is looked at, when somebody else changes it meanwhile.
MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Times:
    """
    *now* in epoch seconds; the monotonic times before which the ledger is written to.

    What only serves to ask Tencent is over *prepare_before*, so that there is time to ask, and the
    brake's part of it *count_before*, so that there is time for the rest.
    """

    now: float
    record_before: float
    count_before: float
    prepare_before: float
    settle_before: float


def enforce_without_ledger(
    asked: AskedByRecipient, requests: Requests, *, now: float, dry_run: bool
) -> dict[str, Result]:
    """Block whom the batch says is to be blocked, knowing nothing else."""
    blocks: dict[str, date] = {}
    for recipient, asks in asked.items():
        for ask in asks:
            until = until_without_ledger(ask)
            if until and (recipient not in blocks or until > blocks[recipient]):
                blocks[recipient] = until
    if not dry_run:
        _block(requests, blocks, now=now)
        requests.finish()
    accepted = blocks if dry_run else requests.accepted
    return {
        **dict.fromkeys(asked, Outcome.IGNORED),
        **dict.fromkeys(blocks, Outcome.RETRIED),
        **dict.fromkeys(accepted, Outcome.ACCEPTED),
        **requests.refused,
    }


class Enforcer:
    """Keeps Tencent's list as the ledger says that it should be."""

    def __init__(  # noqa: PLR0913 - what it needs is passed, not found
        self,
        asked: AskedByRecipient,
        requests: Requests,
        *,
        ledger: Ledger,
        brake: Brake,
        terms: Terms,
        times: Times,
        dry_run: bool,
    ) -> None:
        self.results: dict[str, Result] = dict.fromkeys(asked, Outcome.RETRIED)
        self.unrecorded: set[str] = set()
        #: The keys of each recipient's facts that wait for a person.
        self.held: dict[str, frozenset[str]] = {}
        #: (kind of error, code) -> for how many recipients
        self.errors: Counter[tuple[str, str]] = Counter()
        self._asked = asked
        self._requests = requests
        self._ledger = ledger
        self._brake = brake
        self._terms = terms
        self._times = times
        self._dry_run = dry_run

    def enforce(self) -> None:
        """Settle every recipient in `results`; what cannot be settled stays to be tried again."""
        histories = self._record()
        self.unrecorded.update(self._asked.keys() - histories.keys())
        histories = self._with_something_to_do(histories)
        for number in range(MAX_ROUNDS):
            self.held.update({name: own.held for name, own in histories.items()})
            plans = {
                recipient: self._plan(recipient, history, changed=number > 0)
                for recipient, history in histories.items()
            }
            self._settle_idle(plans)
            to_do = {name: own for name, own in plans.items() if own.step is not Step.NOTHING}
            if not to_do:
                break
            histories = self._pretend(to_do) if self._dry_run else self._carry_out(to_do)

    def _plan(self, recipient: str, history: History, *, changed: bool) -> Plan:
        actions = {ask.decision.ruling.action for ask in self._asked[recipient]}
        return plan(
            history,
            self._terms,
            repeated=changed or self._is_repeated(recipient),
            is_news=not actions.isdisjoint({Action.BLOCK, Action.BLOCK_UNTIL}),
            today=last_day(self._times.now, 0),
        )

    def _record(self) -> Mapping[str, History]:
        records = {
            recipient: [
                Record(fact_of(ask), ask.event, ask.decision.ruling, ask.message.from_operator)
                for ask in asks
            ]
            for recipient, asks in self._asked.items()
        }
        return self._sort_out(self._ledger.record(records, before=self._times.record_before))

    def _with_something_to_do(self, histories: Mapping[str, History]) -> Mapping[str, History]:
        """Leave out those of whom only note was taken: what is due was due before, and tried."""
        for recipient in histories:
            if all(ask.is_ignored for ask in self._asked[recipient]):
                self.results[recipient] = Outcome.IGNORED
        return {
            name: own for name, own in histories.items() if self.results[name] is Outcome.RETRIED
        }

    def _settle_idle(self, plans: Mapping[str, Plan]) -> None:
        for recipient, own in plans.items():
            if own.step is Step.NOTHING:
                self.results[recipient] = Outcome.ACCEPTED if own.until else Outcome.IGNORED

    def _pretend(self, plans: Mapping[str, Plan]) -> Mapping[str, History]:
        """Write down what would be done."""
        return self._write(
            {name: _change(own, outcome="dry-run") for name, own in plans.items()},
            lambda name: Outcome.ACCEPTED if plans[name].until else Outcome.IGNORED,
        )

    def _carry_out(self, plans: Mapping[str, Plan]) -> Mapping[str, History]:
        """Do what has to be done; give those recipients that somebody else changed meanwhile."""
        admitted, changed = self._pass_brake(plans)
        announced, changed_too = self._announce(admitted)
        self._ask_tencent(announced)
        self._brake.give_back(
            [name for name in plans if name not in self._requests.accepted],
            before=self._times.settle_before,
        )
        return {**changed, **changed_too, **self._write_outcomes(announced)}

    def _pass_brake(
        self, plans: Mapping[str, Plan]
    ) -> tuple[Mapping[str, Plan], Mapping[str, History]]:
        """Let through what is no new block, what an operator sent, and what is not too much."""
        mails = {
            name: self._mail(name)
            for name, own in plans.items()
            if own.is_new_block and not any(ask.message.from_operator for ask in self._asked[name])
        }
        braked = Braked()
        if mails:
            braked = self._brake.hold(
                mails, before=self._times.count_before, undo_before=self._times.settle_before
            )
        for error in braked.uncounted.values():
            self._count(error, 1)
        held = {name: plans[name] for name in braked.held}
        changed = self._hold(held)
        stopped = held.keys() | braked.uncounted.keys()
        return {name: own for name, own in plans.items() if name not in stopped}, changed

    def _hold(self, plans: Mapping[str, Plan]) -> Mapping[str, History]:
        """
        Let recipients wait for a person; give those to look at again.

        One that comes again may have been asked for, and is blocked: then it is to be taken back.
        So is a block that stands by an event that is held now, as it came twice.
        """
        keys = {name: frozenset(fact_of(ask).key for ask in self._asked[name]) for name in plans}
        again: dict[str, History] = {}

        def settle(name: str) -> Result:
            history = plans[name].history
            history = replace(history, held=history.held | keys[name], changes=history.changes + 1)
            stands = history.blocked_until(self._terms) == history.applied
            if stands and not self._is_repeated(name):
                return HELD
            again[name] = history
            return Outcome.RETRIED

        changes = {
            name: _change(own, held=keys[name], outcome="held") for name, own in plans.items()
        }
        return {**self._write(changes, settle), **again}

    def _announce(
        self, plans: Mapping[str, Plan]
    ) -> tuple[Mapping[str, Plan], Mapping[str, History]]:
        """
        Write down what may become true without an answer, before it is asked for.

        That is each term, and each entry that is taken off to be made anew: who dies in between
        leaves it off.
        """
        doubtful = {
            name: own
            for name, own in plans.items()
            if own.until and (own.until != FOR_GOOD or own.step is Step.REPLACE)
        }
        answers = self._ledger.change(
            {
                name: Change(own.history, applied=own.history.applied, asked=own.until)
                for name, own in doubtful.items()
            },
            before=self._times.prepare_before,
        )
        announced = {
            name: replace(own, history=_announced(own)) if name in doubtful else own
            for name, own in plans.items()
            if name not in answers
        }
        return announced, self._sort_out(answers)

    def _ask_tencent(self, plans: Mapping[str, Plan]) -> None:
        """Block the new ones first: a deletion that fails may stop all that comes after it."""
        requests, now = self._requests, self._times.now
        blocks = {name: own.until for name, own in plans.items() if own.until}
        new = {name: day for name, day in blocks.items() if plans[name].step is Step.CREATE}
        _block(requests, new, now=now)
        listed = [name for name in plans if name not in new]
        requests.remove(listed)
        to_make = [name for name in listed if name in blocks and name in requests.removed]
        _block(requests, {name: blocks[name] for name in to_make}, now=now)
        requests.finish()

    def _write_outcomes(self, plans: Mapping[str, Plan]) -> Mapping[str, History]:
        requests = self._requests
        changes: dict[str, Change] = {}
        results: dict[str, Result] = {}
        for name, own in plans.items():
            if name in requests.accepted:
                changes[name] = Change(
                    own.history,
                    applied=own.until,
                    outcome="blocked",
                    until=own.until,
                    request_id=requests.accepted[name],
                )
                results[name] = Outcome.ACCEPTED
            elif name in requests.refused:
                request_id = requests.refused[name].request_id or ""
                changes[name] = Change(own.history, outcome="refused", request_id=request_id)
                results[name] = requests.refused[name]
            elif own.step is Step.REMOVE and name in requests.removed:
                changes[name] = Change(own.history, outcome="removed")
                results[name] = Outcome.IGNORED
            elif name in requests.removed:  # and not made again: whoever made it may think it there
                changes[name] = Change(own.history, applied=own.history.applied, asked=own.until)
                results[name] = Outcome.RETRIED
        return self._write(changes, results.__getitem__)

    def _write(
        self, changes: Mapping[str, Change], result: Callable[[str], Result]
    ) -> Mapping[str, History]:
        """Settle those whose change could be written; give those that changed meanwhile."""
        if not changes:
            return {}
        answers = self._ledger.change(changes, before=self._times.settle_before)
        for name in changes.keys() - answers.keys():
            self.results[name] = result(name)
        return self._sort_out(answers)

    def _sort_out(self, answers: Mapping[str, History | RetryLaterError]) -> Mapping[str, History]:
        """Count the errors and give the rest."""
        for answer in answers.values():
            if isinstance(answer, RetryLaterError):
                self._count(answer, 1)
        return {name: own for name, own in answers.items() if isinstance(own, History)}

    def _count(self, error: RetryLaterError, number: int) -> None:
        self.errors[type(error).__name__, error.code] += number
        if isinstance(error, ConfigurationError):
            self._requests.totals.configuration_errors += 1

    def _is_repeated(self, recipient: str) -> bool:
        return any(ask.message.receive_count > 1 for ask in self._asked[recipient])

    def _mail(self, recipient: str) -> str:
        """Give the mail that the latest event is about which does not only take note."""
        asks = [ask for ask in self._asked[recipient] if not ask.is_ignored]
        return fact_of(asks[-1]).mail if asks else ""


def _announced(own: Plan) -> History:
    return replace(own.history, asked=own.until, changes=own.history.changes + 1)


def _change(own: Plan, *, held: frozenset[str] = frozenset(), outcome: str) -> Change:
    """Leave where an address is as it stands."""
    history = own.history
    return Change(
        history,
        applied=history.applied,
        asked=history.asked,
        held=held,
        outcome=outcome,
        until=own.until,
    )


def _block(requests: Requests, blocks: Mapping[str, date], *, now: float) -> None:
    """Send each recipient with those of the same last day."""
    days = {until: expire_date(until, now=now) for until in set(blocks.values())}
    groups: defaultdict[date | None, list[str]] = defaultdict(list)
    for recipient, until in blocks.items():
        groups[days[until]].append(recipient)
    for day, recipients in groups.items():
        requests.block(recipients, until=day)
