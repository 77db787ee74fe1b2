"""Where an address ends follows from what happened, not from the order in which it was heard of."""

from collections.abc import Sequence
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import DAY_SECONDS, FOR_GOOD, Strikes, Terms, last_day

TERMS = Terms((7, 30, 180), Strikes(mails=3, days=3, window_days=30))
#: Noon in Shanghai on 1 March 2026.
START = 1_772_337_600.0


def day(number: float) -> float:
    """Give a moment by the days from `START` on."""
    return START + number * DAY_SECONDS


def strike(number: float, mail: str = "") -> Fact:
    mail = mail or f"mail {number}"
    return Fact(f"strike {number} {mail}", day(number), Action.STRIKE, mail=mail)


def term(number: float, days: int = 30) -> Fact:
    return Fact(f"term {number} {days}", day(number), Action.BLOCK_UNTIL, days=days)


def for_good(number: float) -> Fact:
    return Fact(f"block {number}", day(number), Action.BLOCK)


def until(facts: Sequence[Fact], *, unblocked: Sequence[float] = ()) -> date | None:
    return History(facts, unblocked=frozenset(map(day, unblocked))).blocked_until(TERMS)


def test_nothing_known_blocks_nobody() -> None:
    assert until([]) is None


def test_block_is_for_good() -> None:
    assert until([for_good(0)]) == FOR_GOOD


def test_term_counts_from_the_event_and_not_from_when_it_was_heard_of() -> None:
    """A callback may come days late."""
    assert until([term(0, 30)]) == date(2026, 3, 31)


def test_day_ends_where_tencent_keeps_its_dates() -> None:
    """At 17:00 UTC the next day has begun in Shanghai; a day less would end the block early."""
    late = Fact("late", 1_772_384_400.0, Action.BLOCK_UNTIL, days=1)  # 2026-03-01T17:00Z

    assert until([late]) == date(2026, 3, 3)


def test_ignored_event_changes_nothing() -> None:
    ignored = Fact("ignored", day(0), Action.IGNORE)

    assert until([ignored]) is None
    assert until([ignored, term(0)]) == until([term(0)])


@pytest.mark.parametrize(
    ("strikes", "blocks"),
    [
        ([strike(0), strike(1)], False),
        ([strike(0), strike(1), strike(2)], True),
        ([strike(0), strike(0.1), strike(0.2)], False),
        ([strike(0), strike(1), strike(1.1)], False),
        ([strike(0, "a"), strike(1, "a"), strike(2, "a")], False),
        ([strike(0, "a"), strike(1, "b"), strike(2, "a"), strike(3, "c")], True),
        ([strike(0), strike(1), strike(31)], False),
        ([strike(0), strike(1), strike(29)], True),
    ],
    ids=[
        "too few",
        "enough",
        "one day only",
        "two days only",
        "one mail, reported again and again",
        "three mails",
        "the first is out of the window",
        "just within the window",
    ],
)
def test_strikes_block_when_enough_mails_failed_on_enough_days(
    strikes: Sequence[Fact], *, blocks: bool
) -> None:
    """A server that is down for an afternoon, or one mail that is tried all week, is no pattern."""
    assert (until(strikes) is not None) is blocks


def test_strikes_block_for_the_shortest_term_at_first() -> None:
    assert until([strike(0), strike(1), strike(2)]) == last_day(day(2), 7)


def test_strike_while_the_term_runs_makes_it_no_longer_step() -> None:
    """Mails that were under way when the block began say nothing new."""
    assert until([strike(0), strike(1), strike(2), strike(3)]) == last_day(day(3), 7)


def test_each_further_term_is_longer_and_the_last_for_good() -> None:
    facts: list[Fact] = []
    ends = []
    for begin in (0, 20, 60, 250):
        facts += [strike(begin), strike(begin + 1), strike(begin + 2)]
        ends.append(until(facts))

    assert ends == [
        last_day(day(2), 7),
        last_day(day(22), 30),
        last_day(day(62), 180),
        FOR_GOOD,
    ]


def test_longer_term_takes_new_strikes() -> None:
    """
    A mailbox that is full once more after its term is no worse than it was before.

    While the old strikes are in the window it is blocked again, but for no longer than the first
    time; only as many strikes after the term make the next one longer.
    """
    facts = [strike(0), strike(1), strike(2), strike(10), strike(11)]

    assert until(facts) == last_day(day(11), 7)
    assert until([*facts, strike(12)]) == last_day(day(12), 30)


def test_first_term_of_a_rule_is_its_own_and_the_next_the_next_longer() -> None:
    assert until([term(0, 30)]) == last_day(day(0), 30)
    assert until([term(0, 30), term(40, 30)]) == last_day(day(40), 180)
    assert until([term(0, 30), term(40, 30), term(300, 30)]) == FOR_GOOD
    assert until([term(0, 5)]) == last_day(day(0), 5)
    assert until([term(0, 5), term(10, 5)]) == last_day(day(10), 7)


def test_event_while_a_term_runs_is_no_further_time() -> None:
    """Three mails of one morning that bounce alike must not block anybody for good."""
    assert until([term(0), term(0.1), term(0.2)]) == last_day(day(0.2), 30)
    assert until([term(0), term(29)]) == last_day(day(29), 30)


def test_event_at_the_very_end_of_a_term_is_the_next_one() -> None:
    assert until([term(0, 30), term(30, 30)]) == last_day(day(30), 180)


def test_day_that_an_operator_asked_for_is_kept() -> None:
    asked = Fact("asked", day(0), Action.BLOCK, until=date(2026, 5, 1))

    assert until([asked]) == date(2026, 5, 1)
    assert until([asked, term(0, 5)]) == date(2026, 5, 1)
    assert until([asked, for_good(0)]) == FOR_GOOD


def test_unblock_holds_against_all_that_happened_before() -> None:
    """What people ask for and nobody has: a late or repeated callback must not undo an unblock."""
    before = [for_good(1), term(2), strike(1), strike(2), strike(3)]

    assert until(before, unblocked=[5]) is None
    assert until(before, unblocked=[5, 3]) is None


def test_what_happens_at_the_moment_of_the_unblock_is_before_it() -> None:
    assert until([for_good(5)], unblocked=[5]) is None


def test_event_after_an_unblock_blocks_again_and_for_longer() -> None:
    assert until([term(0), term(6)], unblocked=[5]) == last_day(day(6), 180)
    assert until([for_good(0), term(6)], unblocked=[5]) == FOR_GOOD
    assert until([for_good(0), for_good(6)], unblocked=[5]) == FOR_GOOD


def test_strikes_from_before_an_unblock_count_no_more() -> None:
    """
    Somebody emptied the mailbox, and an operator believed it.

    One more full mail, the next week, is then a first strike and not the last of four.
    """
    before = [strike(0), strike(1), strike(2)]

    assert until([*before, strike(6)], unblocked=[5]) is None
    assert until([*before[:2], strike(6)], unblocked=[5]) is None
    assert until([*before, strike(5), strike(6), strike(7)], unblocked=[5]) is None
    assert until([*before, strike(6), strike(7), strike(8)], unblocked=[5]) == last_day(day(8), 30)


def test_unblock_of_one_who_was_not_blocked_makes_nothing_longer() -> None:
    assert until([term(6)], unblocked=[5]) == last_day(day(6), 30)


def test_unblock_after_a_term_was_over_does_not_prolong_it() -> None:
    """The next term follows when the first was over, not when somebody looked."""
    assert until([term(0, 7), term(20, 7)], unblocked=[100]) is None
    assert until([term(0, 7), term(20, 7), term(110, 7)], unblocked=[100]) == last_day(
        day(110), 180
    )


def test_held_fact_waits_for_a_person() -> None:
    fact = for_good(0)

    assert History([fact], held=frozenset({fact.key})).blocked_until(TERMS) is None
    assert History([fact, for_good(1)], held=frozenset({fact.key})).blocked_until(TERMS) == FOR_GOOD


def test_disowned_fact_was_never_there() -> None:
    """It neither blocks nor makes a later term longer, as one that was taken back would."""
    mistake = term(0)
    history = History([mistake, term(40)], disowned=frozenset({mistake.key}))

    assert history.blocked_until(TERMS) == History([term(40)]).blocked_until(TERMS)
    assert History([mistake], disowned=frozenset({mistake.key})).blocked_until(TERMS) is None


def test_term_beyond_the_calendar_is_for_good() -> None:
    assert last_day(253_402_300_000, 30) == FOR_GOOD


def test_history_does_not_show_the_mails() -> None:
    """A bulkId is harmless; a message id that stands in for it may hold an address."""
    assert "jane" not in repr(History([Fact("key", 0, Action.STRIKE, mail="jane@example.com")]))


_facts = st.builds(
    lambda number, action, days, mail: Fact(
        f"{number} {action} {days} {mail}", day(number), action, mail=mail, days=days
    ),
    st.integers(0, 400).map(lambda half_days: half_days / 2),
    st.sampled_from([Action.STRIKE, Action.STRIKE, Action.BLOCK_UNTIL, Action.IGNORE]),
    st.sampled_from([5, 30]),
    st.sampled_from(["a", "b", "c", "d"]),
)
_histories = st.lists(_facts, max_size=12, unique_by=lambda fact: fact.key)
_unblocks = st.lists(st.integers(0, 200), max_size=2)


@given(_histories, _unblocks, st.randoms(use_true_random=False))
def test_order_in_which_facts_are_known_does_not_matter(
    facts: list[Fact], unblocks: list[int], random: Random
) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)

    assert until(shuffled, unblocked=unblocks) == until(facts, unblocked=unblocks)


@given(_histories, _facts, _unblocks)
def test_one_more_fact_never_shortens_a_block(
    facts: list[Fact], more: Fact, unblocks: list[int]
) -> None:
    """
    So an address only ever has to be blocked for longer while callbacks come in.

    A block that grew shorter by a late callback would have to be taken back at Tencent.
    """
    before = until(facts, unblocked=unblocks) or date.min
    after = until([*facts, more], unblocked=unblocks) or date.min

    assert after >= before


@given(_histories, _unblocks)
def test_nothing_before_the_last_unblock_blocks(facts: list[Fact], unblocks: list[int]) -> None:
    last = max((*unblocks, 0))
    early = [fact for fact in facts if fact.at <= day(last)]

    assert until(early, unblocked=[*unblocks, last]) is None
