"""What every ledger does: one set of tests for the real one and for the one that tests use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

import pytest

from functions.blocklist.domain.errors import RetryLaterError
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action, Ruling
from functions.blocklist.domain.terms import FOR_GOOD
from functions.blocklist.services.ports import Change, Record

NEVER = float("inf")
JANE, JOHN = "jane@example.com", "john@example.com"
NOON = 1_790_000_000.25
SPRING, SUMMER = date(2027, 4, 1), date(2027, 7, 1)


class Subject(Protocol):
    """A ledger with what only the command line does to it."""

    def record(
        self, records: Mapping[str, Sequence[Record]], *, before: float
    ) -> Mapping[str, History | RetryLaterError]: ...

    def change(
        self, changes: Mapping[str, Change], *, before: float
    ) -> Mapping[str, History | RetryLaterError]: ...

    def take_back(self, recipient: str, at: float) -> None: ...

    def unsay(self, recipient: str, key: str) -> None: ...


def strike(key: str, *, at: float = NOON, from_operator: bool = False) -> Record:
    return Record(
        Fact(key, at, Action.STRIKE, f"mail-{key}"),
        DeliveryEvent(EventKind.SOFT_BOUNCE, JANE, reply="552 5.2.2 full"),
        Ruling(Action.STRIKE, "soft bounce"),
        from_operator,
    )


def with_fact(fact: Fact) -> Record:
    return replace(strike(fact.key), fact=fact)


def read(ledger: Subject, recipient: str = JANE) -> History:
    """Give what is known by now, by recording nothing."""
    return recorded(ledger, recipient=recipient)


def recorded(ledger: Subject, *records: Record, recipient: str = JANE) -> History:
    history = ledger.record({recipient: records}, before=NEVER)[recipient]
    assert isinstance(history, History), history
    return history


def changed(ledger: Subject, change: Change) -> History | RetryLaterError | None:
    """Give None where the change was written."""
    return ledger.change({JANE: change}, before=NEVER).get(JANE)


def keys(history: History) -> list[str]:
    return sorted(fact.key for fact in history.facts)


class LedgerContract:
    """The tests; whoever inherits them gives the ledger."""

    def test_fact_comes_back_as_it_was_recorded(self, ledger: Subject) -> None:
        facts = [
            Fact("a", NOON, Action.BLOCK, "mail", 0, FOR_GOOD),
            Fact("b", 0.0, Action.BLOCK_UNTIL, "", 30),
            Fact("c", NOON, Action.IGNORE, "例 mail", 0, SPRING),
        ]

        history = recorded(ledger, *map(with_fact, facts))

        assert sorted(history.facts, key=lambda fact: fact.key) == facts
        assert replace(history, facts=()) == History()

    def test_event_that_comes_twice_counts_once(self, ledger: Subject) -> None:
        """SQS delivers twice, and Tencent posts again what was answered too late."""
        first = recorded(ledger, strike("a"), strike("a"))

        again = recorded(ledger, strike("a"))

        assert keys(first) == keys(again) == ["a"]

    def test_first_form_of_an_event_stays(self, ledger: Subject) -> None:
        """What was decided once is not decided anew because the policy changed meanwhile."""
        recorded(ledger, strike("a"), strike("a", at=NOON + 1))

        history = recorded(ledger, strike("a", at=NOON + 2))

        assert [fact.at for fact in history.facts] == [NOON]

    def test_history_holds_what_earlier_batches_recorded(self, ledger: Subject) -> None:
        recorded(ledger, strike("a"))

        history = recorded(ledger, strike("b"), strike("c"))

        assert keys(history) == ["a", "b", "c"]

    def test_each_address_has_its_own_history(self, ledger: Subject) -> None:
        answers = ledger.record({JANE: [strike("a")], JOHN: [strike("b")]}, before=NEVER)

        histories = {name: own for name, own in answers.items() if isinstance(own, History)}
        assert {name: keys(own) for name, own in histories.items()} == {JANE: ["a"], JOHN: ["b"]}

    def test_more_events_than_one_request_holds_are_all_recorded(self, ledger: Subject) -> None:
        """A mail to one address every second brings hundreds of bounces in one batch."""
        names = [f"{number:03}" for number in range(130)]

        history = recorded(ledger, *map(strike, names))

        assert keys(history) == keys(read(ledger)) == names

    def test_change_is_written_where_nobody_came_between(self, ledger: Subject) -> None:
        seen = recorded(ledger, strike("a"))

        answer = changed(ledger, Change(seen, applied=SPRING, asked=SUMMER))

        assert answer is None
        assert read(ledger) == replace(seen, applied=SPRING, asked=SUMMER, changes=1)

    def test_change_without_a_day_takes_it_away(self, ledger: Subject) -> None:
        changed(ledger, Change(recorded(ledger, strike("a")), applied=SPRING, asked=FOR_GOOD))
        seen = read(ledger)

        answer = changed(ledger, Change(seen))

        assert (seen.applied, seen.asked) == (SPRING, FOR_GOOD)
        assert answer is None
        assert (read(ledger).applied, read(ledger).asked) == (None, None)

    @pytest.mark.parametrize(
        "meanwhile",
        [
            lambda ledger, seen: changed(ledger, Change(seen, applied=SUMMER)),
            lambda ledger, seen: changed(ledger, Change(seen, applied=SPRING, asked=SUMMER)),
            lambda ledger, seen: changed(ledger, Change(seen)),
            lambda ledger, _: ledger.take_back(JANE, NOON),
            lambda ledger, _: ledger.unsay(JANE, "a"),
            lambda ledger, seen: changed(ledger, Change(seen, SPRING, held=frozenset("a"))),
        ],
        ids=["applied", "asked", "removed", "unblocked", "disowned", "held"],
    )
    def test_change_is_not_written_where_somebody_came_between(
        self, ledger: Subject, meanwhile: Callable[[Subject, History], object]
    ) -> None:
        """Else two sandboxes would each believe that the list is as they left it."""
        changed(ledger, Change(recorded(ledger, strike("a")), applied=SPRING))
        seen = read(ledger)
        meanwhile(ledger, seen)
        now = read(ledger)

        answer = changed(
            ledger, Change(seen, applied=FOR_GOOD, held=frozenset("a"), outcome="blocked")
        )

        assert answer == now != seen
        assert read(ledger) == now

    def test_change_that_was_changed_back_came_between_as_well(self, ledger: Subject) -> None:
        """Who announced a term and made it may have made it over an entry that lasts longer."""
        changed(ledger, Change(recorded(ledger, strike("a")), applied=SPRING))
        seen = read(ledger)
        changed(ledger, Change(seen, applied=SPRING, asked=SPRING))
        changed(ledger, Change(read(ledger), applied=SPRING))

        answer = changed(ledger, Change(seen, applied=FOR_GOOD))

        assert answer == read(ledger)
        assert read(ledger).applied == SPRING

    def test_older_unblock_comes_between_as_well(self, ledger: Subject) -> None:
        """Two operators at once: what the later one saw is no longer all there is."""
        ledger.take_back(JANE, NOON)
        seen = recorded(ledger, strike("a"))
        ledger.take_back(JANE, NOON - 60)

        answer = changed(ledger, Change(seen, applied=SPRING))

        assert answer == read(ledger)
        assert read(ledger).applied is None

    def test_new_facts_do_not_stand_in_the_way_of_a_change(self, ledger: Subject) -> None:
        """Whoever recorded them looks at the history himself."""
        seen = recorded(ledger, strike("a"))
        recorded(ledger, strike("b"))

        answer = changed(ledger, Change(seen, applied=SPRING))

        assert answer is None
        assert read(ledger).applied == SPRING
        assert keys(read(ledger)) == ["a", "b"]

    def test_only_those_whose_change_was_not_written_are_given(self, ledger: Subject) -> None:
        old = recorded(ledger, strike("a"))
        johns = recorded(ledger, strike("b"), recipient=JOHN)
        ledger.take_back(JANE, NOON)

        answers = ledger.change(
            {JANE: Change(old, applied=SPRING), JOHN: Change(johns, applied=SPRING)}, before=NEVER
        )

        assert answers == {JANE: read(ledger)}
        assert read(ledger, JOHN).applied == SPRING

    def test_held_facts_wait_until_an_operator_sends_them(self, ledger: Subject) -> None:
        """What comes back by itself, over and over, must not get past the brake."""
        seen = recorded(ledger, strike("a"), strike("b"), strike("c"))
        changed(ledger, Change(seen, held=frozenset("a")))
        changed(ledger, Change(read(ledger), held=frozenset("bc")))

        redelivered = recorded(ledger, strike("a"))
        released = recorded(ledger, strike("a", from_operator=True))
        others = recorded(ledger, strike("b", from_operator=True), strike("c", from_operator=True))

        assert redelivered.held == {"a", "b", "c"}
        assert released.held == {"b", "c"}
        assert others.held == frozenset()

    def test_operator_frees_nothing_that_was_not_held(self, ledger: Subject) -> None:
        history = recorded(ledger, strike("a", from_operator=True))

        assert keys(history) == ["a"]
        assert history.held == frozenset()

    def test_unblock_forgets_the_list_and_no_fact(self, ledger: Subject) -> None:
        """What is on Tencent's list is not known any more: the operator took it off."""
        seen = recorded(ledger, strike("a"))
        changed(ledger, Change(seen, applied=SPRING, asked=SUMMER, held=frozenset("a")))

        ledger.take_back(JANE, NOON)

        unblocked = frozenset({NOON})
        assert read(ledger) == replace(
            seen, held=frozenset("a"), unblocked=unblocked, changes=seen.changes + 1
        )

    def test_disowned_fact_stays_known_and_where_the_address_is_as_well(
        self, ledger: Subject
    ) -> None:
        """It is taken off the list after that; killed in between, nobody must forget it is on."""
        changed(ledger, Change(recorded(ledger, strike("a"), strike("b")), applied=SPRING))
        seen = read(ledger)

        ledger.unsay(JANE, "a")
        recorded(ledger, strike("a", from_operator=True))
        ledger.unsay(JANE, "b")

        assert read(ledger) == replace(seen, disowned=frozenset("ab"))

    def test_unblocks_gather_in_any_order(self, ledger: Subject) -> None:
        for moment in (NOON, NOON - 60, NOON + 60, NOON):
            ledger.take_back(JANE, moment)

        assert read(ledger).unblocked == {NOON - 60, NOON, NOON + 60}

    def test_unblock_of_an_unknown_address_counts(self, ledger: Subject) -> None:
        """It may stand on the list from before there was a ledger."""
        ledger.take_back(JANE, NOON)

        assert read(ledger) == History(unblocked=frozenset({NOON}))
