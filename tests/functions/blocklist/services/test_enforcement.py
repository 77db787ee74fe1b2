"""Tencent's list follows the ledger, whoever crashes, comes late, or comes between."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.blocklist.domain.decisions import Decision, Judgement
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RefusedRequestError,
    UnavailableError,
)
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action, Ruling
from functions.blocklist.domain.terms import (
    DAY_SECONDS,
    FOR_GOOD,
    Strikes,
    Terms,
    expire_date,
    last_day,
)
from functions.blocklist.services.batch import QueueMessage
from functions.blocklist.services.block_recipients import block_recipients
from functions.blocklist.services.ports import Answer
from functions.blocklist.services.reports import BlockReport, Outcome
from tests.fakes import (
    LIMITS,
    FakeBlocklist,
    FakeBrake,
    FakeDeadLetters,
    FakeLedger,
    FakeMessage,
    FakePacer,
    FakeRedelivery,
)

TERMS = Terms((7, 30, 180), Strikes(mails=3, days=3, window_days=30))
NOW = 1_796_083_200.0  # 1 December 2026, 08:00 in Shanghai
JANE = "jane@example.com"

#: What the tests' policy says about each kind.
RULINGS = {
    EventKind.COMPLAINT: Ruling(Action.BLOCK, "complaint"),
    EventKind.HARD_BOUNCE: Ruling(Action.BLOCK_UNTIL, "hard", days=30),
    EventKind.SOFT_BOUNCE: Ruling(Action.STRIKE, "soft"),
    EventKind.DROPPED: Ruling(Action.IGNORE, "dropped"),
}


def decide(event: DeliveryEvent, _from_operator: bool) -> Judgement:  # noqa: FBT001 - a port's order
    return Decision(event.recipient, RULINGS[event.kind])


def event(
    kind: EventKind = EventKind.COMPLAINT,
    *,
    day: float = 0,
    mail: str = "mail",
    recipient: str = JANE,
) -> DeliveryEvent:
    return DeliveryEvent(kind, recipient, bulk_id=mail, occurred_at=NOW + day * DAY_SECONDS)


def message(*events: DeliveryEvent, receive_count: int = 1, operator: bool = False) -> FakeMessage:
    name = " ".join(f"{one.recipient} {one.key}" for one in events)
    return FakeMessage(name, f"handle of {name}", receive_count, name.encode(), events, operator)


@dataclass
class DatedBlocklist(FakeBlocklist):
    """
    Keeps the last days too.

    Adding what is there changes nothing: the least that the undocumented API can do.
    """

    listed: dict[str, date | None] = field(default_factory=dict)

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        answer = super().add(recipients, until=until, timeout_seconds=timeout_seconds)
        for recipient in set(recipients) - self.bad:
            self.listed.setdefault(recipient, until)
        return answer

    def remove(self, recipients: Sequence[str], *, timeout_seconds: float) -> Answer:
        answer = super().remove(recipients, timeout_seconds=timeout_seconds)
        for recipient in recipients:
            self.listed.pop(recipient, None)
        return answer


class Run:
    """The use case with a ledger, and fakes around it."""

    def __init__(self) -> None:
        self.blocklist = DatedBlocklist()
        self.ledger = FakeLedger()
        self.brake = FakeBrake()
        self.dead_letters = FakeDeadLetters()
        self.dry_run = False

    def __call__(self, *messages: QueueMessage) -> BlockReport:
        return block_recipients(
            messages,
            decide=decide,
            terms=TERMS,
            ledger=(self.ledger, self.brake),
            blocklist=self.blocklist,
            pacer=FakePacer(),
            dead_letters=self.dead_letters,
            redelivery=FakeRedelivery(),
            limits=LIMITS,
            now=NOW,
            first_wait_seconds=30,
            spread=lambda: 1.0,
            dry_run=self.dry_run,
        )

    def unblock(self, recipient: str = JANE, *, day: float) -> None:
        """Do as the command line does: the ledger first, then Tencent."""
        self.ledger.unblock(recipient, at=NOW + day * DAY_SECONDS)
        self.blocklist.remove([recipient], timeout_seconds=1)
        self.blocklist.removals.clear()

    @property
    def history(self) -> History:
        return self.ledger.histories[JANE]


def _down(_: Sequence[str]) -> None:
    raise UnavailableError("InternalError")


def test_block_is_written_down_with_the_request_that_made_it() -> None:
    run = Run()

    report = run(message(event()))

    assert run.blocklist.listed == {JANE: None}
    assert run.history.applied == FOR_GOOD
    [(_, change)] = run.ledger.changes
    assert (change.outcome, change.until, change.request_id) == ("blocked", FOR_GOOD, "request-1")
    assert report.messages == {Outcome.ACCEPTED: 1}


def test_whoever_is_blocked_long_enough_is_not_asked_for_again() -> None:
    """A campaign's complaints come for weeks; each would be a request."""
    run = Run()
    run(message(event()))

    report = run(message(event(mail="another")), message(event(EventKind.SOFT_BOUNCE)))

    assert len(run.blocklist.requests) == 1
    assert report.messages == {Outcome.ACCEPTED: 2}


def test_ignored_event_is_written_down_and_blocks_nobody() -> None:
    run = Run()

    report = run(message(event(EventKind.DROPPED)))

    assert [record.ruling.rule for _, record in run.ledger.records] == ["dropped"]
    assert run.blocklist.requests == []
    assert report.messages == {Outcome.IGNORED: 1}


def test_event_to_take_note_of_asks_nobody_again() -> None:
    """Whom Tencent refuses it refuses each time, and to find out takes many requests."""
    run = Run()
    run.blocklist.bad = frozenset({JANE})
    run(message(event()))

    report = run(message(event(EventKind.DROPPED)))

    assert len(run.blocklist.requests) == 1
    assert report.messages == {Outcome.IGNORED: 1}


def test_strikes_of_several_batches_add_up() -> None:
    run = Run()
    reports = [
        run(message(event(EventKind.SOFT_BOUNCE, day=day, mail=f"mail {day}"))) for day in (0, 1, 2)
    ]

    assert [dict(report.messages) for report in reports] == [
        {Outcome.IGNORED: 1},
        {Outcome.IGNORED: 1},
        {Outcome.ACCEPTED: 1},
    ]
    assert run.blocklist.listed == {JANE: last_day(NOW + 2 * DAY_SECONDS, 7)}


def test_mails_without_a_bulk_id_are_told_apart_by_their_message_id() -> None:
    run = Run()
    for day in (0, 1, 2):
        strike = event(EventKind.SOFT_BOUNCE, day=day, mail="")
        run(message(replace(strike, message_id=f"message {day}")))

    assert run.blocklist.blocked == {JANE}


def test_whoever_was_never_blocked_is_never_deleted() -> None:
    """An entry of somebody else's stands, and a redelivered strike costs no request."""
    run = Run()
    run.blocklist.listed[JANE] = None

    run(message(event(EventKind.SOFT_BOUNCE), receive_count=2))

    assert run.blocklist.removals == []


def test_redelivered_strike_counts_once() -> None:
    run = Run()

    for _ in range(5):
        run(message(event(EventKind.SOFT_BOUNCE, day=0, mail="a")))
        run(message(event(EventKind.SOFT_BOUNCE, day=1, mail="b")))

    assert run.blocklist.requests == []


def test_term_is_announced_before_it_is_asked_for() -> None:
    """A request may take effect and never be answered; then its end must be known."""
    run = Run()
    seen: list[date | None] = []
    run.blocklist.script = lambda _: seen.append(run.history.asked)

    run(message(event(EventKind.HARD_BOUNCE)))

    assert seen == [last_day(NOW, 30)]
    assert (run.history.asked, run.history.applied) == (None, last_day(NOW, 30))


@pytest.mark.parametrize("dies", [False, True])
def test_entry_that_two_replace_at_once_is_there_in_the_end(*, dies: bool) -> None:
    """One takes off what the other has just made, and then cannot make it again."""
    run = Run()
    until = last_day(NOW, 30)
    run.ledger.histories[JANE] = History(asked=until)
    run.blocklist.listed[JANE] = until

    def meanwhile(_: Sequence[str]) -> None:
        run.blocklist.on_remove = lambda _: None
        run(message(event(EventKind.HARD_BOUNCE, mail="other")))
        run.blocklist.script = die if dies else _down

    def die(_: Sequence[str]) -> None:
        raise KeyboardInterrupt

    run.blocklist.on_remove = meanwhile
    with suppress(KeyboardInterrupt):
        report = run(message(event(EventKind.HARD_BOUNCE)))
        assert report.messages == {Outcome.RETRIED: 1}
        assert run.history.asked == until
    assert JANE not in run.blocklist.listed
    run.blocklist.script = lambda _: None

    run(message(event(EventKind.HARD_BOUNCE), receive_count=2))

    assert run.blocklist.listed == {JANE: until}
    assert (run.history.applied, run.history.asked) == (until, None)


def test_block_that_a_removal_took_off_is_made_again() -> None:
    """What is to be off by what happened before is on again by what happened since."""
    run = Run()
    run.ledger.histories[JANE] = History(
        unblocked=frozenset({NOW - DAY_SECONDS}), asked=last_day(NOW, 30)
    )

    def meanwhile(_: Sequence[str]) -> None:
        run.blocklist.on_remove = lambda _: None
        run(message(event(mail="new")))

    run.blocklist.on_remove = meanwhile
    report = run(message(event(day=-2)))

    assert report.messages == {Outcome.ACCEPTED: 1}
    assert run.blocklist.listed == {JANE: None}


def test_term_that_cannot_be_announced_is_not_asked_for() -> None:
    """Else nobody would know of an entry that came of it, and its end could not be moved."""
    run = Run()
    run.ledger.fail_changes = {JANE: UnavailableError("ThrottlingException")}

    report = run(
        message(event(EventKind.HARD_BOUNCE)),
        message(event(EventKind.HARD_BOUNCE, recipient="joe@example.com")),
    )

    assert run.blocklist.blocked == {"joe@example.com"}
    assert report.messages == {Outcome.RETRIED: 1, Outcome.ACCEPTED: 1}


def test_event_that_comes_late_blocks_for_as_short_as_can_be() -> None:
    """Whether its term is over is not for us to say of what just came."""
    run = Run()

    run(message(event(EventKind.HARD_BOUNCE, day=-60)))

    assert run.blocklist.listed == {JANE: last_day(NOW, 1)}


def test_term_that_grows_is_deleted_and_made_anew() -> None:
    """What CreateCustomBlacklist does to an entry that is there nobody documents."""
    run = Run()
    run(message(event(EventKind.HARD_BOUNCE)))

    run(message(event()))

    assert run.blocklist.removals == [(JANE,)]
    assert run.blocklist.listed == {JANE: None}


def test_request_that_was_never_answered_may_have_taken_effect() -> None:
    run = Run()

    def lose_answer(recipients: Sequence[str]) -> None:
        run.blocklist.listed.update(dict.fromkeys(recipients, last_day(NOW, 30)))
        raise UnavailableError("ClientNetworkError")

    run.blocklist.script = lose_answer
    lost = run(message(event(EventKind.HARD_BOUNCE)))
    run.blocklist.script = lambda _: None

    run(message(event(EventKind.HARD_BOUNCE, day=40)))

    assert lost.messages == {Outcome.RETRIED: 1}
    assert run.blocklist.listed == {JANE: last_day(NOW + 40 * DAY_SECONDS, 180)}


def test_nobody_is_made_anew_who_could_not_be_deleted() -> None:
    run = Run()
    run(message(event(EventKind.HARD_BOUNCE)))

    def refuse(_: Sequence[str]) -> None:
        raise RefusedRequestError("InvalidParameterValue")

    run.blocklist.on_remove = refuse
    report = run(message(event()))

    assert report.messages == {Outcome.RETRIED: 1}
    assert run.history.applied == last_day(NOW, 30)


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("UnauthorizedOperation"),
        UnavailableError("InternalError"),
        RefusedRequestError("InvalidParameterValue"),
    ],
)
def test_deletion_that_fails_holds_up_nobody_else(error: BlocklistError) -> None:
    """Of one address that is to be blocked for longer, in each batch, nobody would be blocked."""
    run = Run()
    run(message(event(EventKind.HARD_BOUNCE)))

    def fail(_: Sequence[str]) -> None:
        raise error

    run.blocklist.on_remove = fail
    report = run(message(event()), message(event(recipient="joe@example.com")))

    assert run.blocklist.listed == {JANE: last_day(NOW, 30), "joe@example.com": None}
    assert report.messages == {Outcome.RETRIED: 1, Outcome.ACCEPTED: 1}


def test_unblock_holds_against_what_happened_before_and_came_late() -> None:
    run = Run()
    run(message(event(day=1)))
    run.unblock(day=5)

    report = run(message(event(day=2, mail="late")), message(event(day=1)))

    assert run.blocklist.listed == {}
    assert report.messages == {Outcome.IGNORED: 2}
    assert len(run.blocklist.requests) == 1


def test_disowned_event_that_comes_again_takes_the_address_off() -> None:
    """The command that disowned it was killed before it came to Tencent."""
    run = Run()
    run(message(event(day=1)))
    run.ledger.disown(JANE, [event(day=1).key])

    report = run(message(event(day=1)))

    assert run.blocklist.listed == {}
    assert report.messages == {Outcome.IGNORED: 1}


def test_what_is_left_after_a_mistake_is_as_long_as_it_says() -> None:
    """Without the mistake the block is shorter, so the entry is made anew."""
    run = Run()
    mistake = event(EventKind.COMPLAINT, day=1)
    run(message(mistake), message(event(EventKind.HARD_BOUNCE, day=2)))
    assert run.blocklist.listed == {JANE: None}
    run.ledger.disown(JANE, [mistake.key])

    run(message(mistake))

    assert run.blocklist.listed == {JANE: last_day(NOW + 2 * DAY_SECONDS, 30)}


def test_mistake_that_is_disowned_while_its_request_is_under_way_blocks_nobody() -> None:
    run = Run()
    run.blocklist.script = lambda _: run.ledger.disown(JANE, [event().key])

    report = run(message(event()))

    assert run.blocklist.listed == {}
    assert report.messages == {Outcome.IGNORED: 1}


def test_event_after_an_unblock_blocks_again() -> None:
    run = Run()
    run(message(event(EventKind.HARD_BOUNCE, day=1)))
    run.unblock(day=5)

    run(message(event(EventKind.HARD_BOUNCE, day=6)))

    assert run.blocklist.listed == {JANE: last_day(NOW + 6 * DAY_SECONDS, 180)}


def test_unblock_that_comes_between_wins() -> None:
    """The request was under way; its entry must not outlive the unblock."""
    run = Run()
    run.blocklist.script = lambda _: run.ledger.unblock(JANE, at=NOW + DAY_SECONDS)

    report = run(message(event()))

    assert run.blocklist.listed == {}
    assert report.messages == {Outcome.IGNORED: 1}


def test_unblock_wins_although_the_invocation_died_before_it_could_see() -> None:
    """Killed after the request and before the outcome was written."""
    run = Run()
    run.ledger.fail_changes = {JANE: UnavailableError("Killed")}
    run(message(event()))
    run.ledger.fail_changes = {}
    run.ledger.unblock(JANE, at=NOW + DAY_SECONDS)  # whose deletion came before the request

    report = run(message(event(), receive_count=2))

    assert run.blocklist.listed == {}
    assert report.messages == {Outcome.IGNORED: 1}


def test_other_invocation_that_comes_between_is_built_upon() -> None:
    run = Run()

    def block_for_longer(_: Sequence[str]) -> None:
        run.blocklist.script = lambda _: None
        other = Fact("other", NOW, Action.BLOCK)
        history = replace(run.history, facts=(*run.history.facts, other), applied=FOR_GOOD)
        run.ledger.histories[JANE] = history

    run.blocklist.script = block_for_longer

    report = run(message(event(EventKind.HARD_BOUNCE)))

    assert report.messages == {Outcome.ACCEPTED: 1}
    assert run.blocklist.listed == {JANE: None}


def test_recipient_that_is_changed_again_and_again_waits() -> None:
    run = Run()
    days = iter(range(1, 100))

    def meddle(recipient: str) -> None:
        run.ledger.unblock(recipient, at=NOW - next(days) * DAY_SECONDS)
        run.ledger.histories[recipient] = replace(
            run.history, applied=date(2026, 12, next(days) % 28 + 1)
        )

    run.ledger.meanwhile = meddle

    report = run(message(event()))

    assert report.messages == {Outcome.RETRIED: 1}


def test_refused_recipient_is_written_down_and_a_dead_letter() -> None:
    run = Run()
    run.blocklist.bad = frozenset({JANE})

    report = run(message(event()))

    assert report.messages == {Outcome.DEAD_LETTERED: 1}
    [(_, change)] = run.ledger.changes
    assert (change.outcome, change.applied) == ("refused", None)


def test_what_the_ledger_does_not_take_comes_back_and_is_not_asked_for() -> None:
    """Blocked without a trace, nobody could say why, nor count the strike."""
    run = Run()
    run.ledger.fail = {JANE: UnavailableError("ThrottlingException")}

    report = run(
        message(event()),
        message(event(EventKind.DROPPED)),
        message(event(recipient="joe@example.com")),
    )

    assert run.blocklist.blocked == {"joe@example.com"}
    assert report.messages == {Outcome.RETRIED: 2, Outcome.ACCEPTED: 1}
    assert report.ledger_errors == {("UnavailableError", "ThrottlingException"): 1}


def test_outcome_that_cannot_be_written_brings_the_message_back() -> None:
    run = Run()
    run.ledger.fail_changes = {JANE: ConfigurationError("AccessDeniedException")}

    report = run(message(event()))

    assert report.messages == {Outcome.RETRIED: 1}
    assert report.totals.configuration_errors == 1


def test_ledger_is_told_when_time_is_over() -> None:
    run = Run()

    run(message(event()))

    assert run.ledger.ends == {5, 9, 15}


def test_nothing_is_prepared_for_requests_that_could_not_start_any_more() -> None:
    """
    What was counted and announced in vain takes the time to take it off the count again.

    And a batch that takes all the time to prepare would come back whole, for the same again.
    """
    run = Run()

    run(message(event(EventKind.HARD_BOUNCE)))

    assert run.brake.ends == {(LIMITS.count_before, LIMITS.settle_before)}
    assert run.ledger.change_ends == [LIMITS.prepare_before, LIMITS.settle_before]


def test_event_happens_no_later_than_it_comes_to_the_queue() -> None:
    """A timestamp from the future would outlive every unblock."""
    run = Run()
    early = replace(message(event(day=300)), sent_at=NOW)
    untimed = DeliveryEvent(EventKind.COMPLAINT, JANE, bulk_id="untimed")

    run(early, replace(message(untimed), sent_at=NOW + 1), message(event(day=2, mail="late")))

    times = [record.fact.at for _, record in run.ledger.records]
    assert times == [NOW, NOW + 1, NOW + 2 * DAY_SECONDS]


class TestBrake:
    """More new blocks than usual wait for a person."""

    def test_what_is_too_much_is_held(self) -> None:
        run = Run()
        run.brake.room = 1

        report = run(
            message(event(recipient="a@example.com")), message(event(recipient="b@example.com"))
        )

        assert run.blocklist.blocked == {"a@example.com"}
        assert [letter.code for letter in run.dead_letters.kept] == ["Held"]
        assert report.messages == {Outcome.ACCEPTED: 1, Outcome.DEAD_LETTERED: 1}

    def test_held_event_never_blocks_by_a_later_one(self) -> None:
        """Whoever drops what was held has said no."""
        run = Run()
        run.brake.room = 0
        run(message(event()))

        report = run(message(event(EventKind.SOFT_BOUNCE)))

        assert run.blocklist.requests == []
        assert report.messages == {Outcome.IGNORED: 1}

    def test_held_event_that_is_only_redelivered_is_held_again(self) -> None:
        run = Run()
        run.brake.room = 0
        run(message(event()))
        run.brake.room = 9

        report = run(message(event()))

        assert run.blocklist.requests == []
        assert report.messages == {Outcome.DEAD_LETTERED: 1}

    def test_held_event_is_held_again_although_a_shorter_block_stands(self) -> None:
        """
        Killed between the ledger and the dead letter, it would be gone, and no person ever asked.

        Held, its fact never counts; without a letter, nobody could release it.
        """
        run = Run()
        run(message(event(EventKind.HARD_BOUNCE)))
        run.brake.room = 0
        run.dead_letters.fail = frozenset({0})
        run(message(event()))
        run.dead_letters.fail = frozenset()

        report = run(message(event(), receive_count=2))

        assert report.messages == {Outcome.DEAD_LETTERED: 1}
        assert [letter.code for letter in run.dead_letters.kept] == ["Held"]

    def test_held_event_is_not_done_with_by_another_that_blocks(self) -> None:
        """And the other is done with: its block stands, whatever a person says of the first."""
        run = Run()
        run.brake.room = 0
        run.dead_letters.fail = frozenset({0})
        run(message(event()))
        run.dead_letters.fail = frozenset()
        run.brake.room = 9

        report = run(
            message(event(), receive_count=2),
            message(event(EventKind.HARD_BOUNCE)),
            message(event(EventKind.DROPPED)),
        )

        assert run.blocklist.listed == {JANE: last_day(NOW, 30)}
        assert report.messages == {
            Outcome.DEAD_LETTERED: 1,
            Outcome.ACCEPTED: 1,
            Outcome.IGNORED: 1,
        }

    def test_held_event_waits_with_its_recipient(self) -> None:
        """A message that comes back is no dead letter yet, or it would be both."""
        run = Run()
        run.brake.room = 0
        run(message(event()))
        run.brake.errors = {JANE: UnavailableError("ThrottlingException")}

        report = run(message(event(), receive_count=2), message(event(EventKind.HARD_BOUNCE)))

        assert report.messages == {Outcome.RETRIED: 2}

    @pytest.mark.parametrize("before", [[], [event(EventKind.HARD_BOUNCE, mail="before")]])
    def test_held_block_that_may_have_taken_effect_is_taken_back(
        self, before: list[DeliveryEvent]
    ) -> None:
        """Whoever drops it believes that this person is not blocked, and nothing says otherwise."""
        run = Run()
        for one in before:
            run(message(one))
        listed = dict(run.blocklist.listed)

        def lose_answer(recipients: Sequence[str]) -> None:
            run.blocklist.listed.update(dict.fromkeys(recipients))
            raise UnavailableError("ClientNetworkError")

        run.blocklist.script = lose_answer
        run(message(event()))
        run.blocklist.script = lambda _: None
        run.brake.room = 0
        run.blocklist.on_remove = _down
        failed = run(message(event(), receive_count=2))
        run.blocklist.on_remove = lambda _: None

        report = run(message(event(), receive_count=3))

        assert failed.messages == {Outcome.RETRIED: 1}
        assert report.messages == {Outcome.DEAD_LETTERED: 1}
        assert run.blocklist.listed == listed

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_what_was_asked_for_stays_in_mind(self, *, dry_run: bool) -> None:
        """The entry may be there: whatever is done about it later must know of it."""
        run = Run()
        run.dry_run = dry_run
        run.brake.room = 0
        asked = last_day(NOW, 30)
        run.ledger.histories[JANE] = History(asked=asked)

        run(message(event()))

        assert run.history.asked == asked

    def test_block_does_not_stand_by_an_event_that_is_held(self) -> None:
        """It came twice, and the second time with one too many: a person is asked about both."""
        run = Run()
        run(message(event(EventKind.HARD_BOUNCE)))
        run.brake.room = 0

        report = run(message(event()), message(event(EventKind.HARD_BOUNCE)))

        assert run.blocklist.listed == {}
        assert run.history.applied is None
        assert report.messages == {Outcome.DEAD_LETTERED: 2}

    def test_hold_that_comes_between_wins(self) -> None:
        """One message in two sandboxes: a person is asked about it, so it must not block."""
        run = Run()
        key = event().key

        def hold(_: Sequence[str]) -> None:
            history = run.history
            run.ledger.histories[JANE] = replace(history, held=frozenset({key}))

        run.blocklist.script = hold

        report = run(message(event()))

        assert run.blocklist.listed == {}
        assert report.messages == {Outcome.DEAD_LETTERED: 1}

    def test_hold_that_cannot_be_written_down_takes_nobody_off(self) -> None:
        run = Run()
        run.brake.room = 0
        run.ledger.fail_changes = {JANE: UnavailableError("ThrottlingException")}

        report = run(message(event(), receive_count=2))

        assert run.blocklist.removals == []
        assert report.messages == {Outcome.RETRIED: 1}

    def test_operator_releases_what_is_held(self) -> None:
        run = Run()
        run.brake.room = 0
        run(message(event()))

        run(message(event(), operator=True))

        assert run.blocklist.listed == {JANE: None}
        assert run.history.held == frozenset()

    def test_only_new_blocks_count_with_the_mail_that_led_to_them(self) -> None:
        run = Run()
        run(message(event(recipient="old@example.com")))

        run(
            message(event(recipient="old@example.com", mail="again")),
            message(event(mail="first")),
            message(event(mail="second"), event(EventKind.DROPPED, mail="third")),
            message(event(EventKind.SOFT_BOUNCE, recipient="soft@example.com")),
        )

        assert run.brake.counted == [{"old@example.com": "mail"}, {JANE: "second"}]

    def test_what_tencent_did_not_take_is_given_back(self) -> None:
        """It comes again every few minutes, and counted each time it would hold everybody."""
        run = Run()
        run.brake.room = 2

        def down(_: object) -> None:
            raise UnavailableError("InternalError")

        run.blocklist.script = down
        for _ in range(3):
            run(message(event()), message(event(recipient="other@example.com")))
        left = run.brake.room
        run.blocklist.script = lambda _: None
        run(message(event()), message(event(recipient="other@example.com")))

        assert left == 2
        assert run.blocklist.blocked == {JANE, "other@example.com"}
        assert run.brake.room == 0

    def test_unblocks_are_not_held(self) -> None:
        run = Run()
        run.brake.room = 0
        run.ledger.histories[JANE] = History(
            unblocked=frozenset({NOW + DAY_SECONDS}), asked=last_day(NOW, 30)
        )
        run.blocklist.listed[JANE] = last_day(NOW, 30)

        run(message(event()))

        assert run.blocklist.listed == {}

    def test_what_cannot_be_counted_waits_and_keeps_nobody_back(self) -> None:
        """A batch whose counting took too long would come back whole, for the same again."""
        run = Run()
        run.brake.errors = {JANE: UnavailableError("ThrottlingException")}

        report = run(message(event()), message(event(recipient="counted@example.com")))

        assert run.blocklist.blocked == {"counted@example.com"}
        assert report.messages == {Outcome.RETRIED: 1, Outcome.ACCEPTED: 1}
        assert report.ledger_errors == {("UnavailableError", "ThrottlingException"): 1}


class TestDryRun:
    """Everything is decided and written down, and nothing is sent."""

    def test_decisions_are_written_down(self) -> None:
        run = Run()
        run.dry_run = True

        report = run(message(event()), message(event(EventKind.DROPPED, recipient="b@example.com")))

        assert run.blocklist.requests == run.blocklist.removals == []
        assert run.brake.counted == []
        assert report.messages == {Outcome.ACCEPTED: 1, Outcome.IGNORED: 1}
        [(_, change)] = run.ledger.changes
        assert (change.outcome, change.until, change.applied) == ("dry-run", FOR_GOOD, None)

    def test_nobody_is_taken_off_either(self) -> None:
        run = Run()
        run.dry_run = True
        run.ledger.histories[JANE] = History(
            unblocked=frozenset({NOW + DAY_SECONDS}), asked=last_day(NOW, 30)
        )

        report = run(message(event()))

        assert run.blocklist.removals == []
        assert report.messages == {Outcome.IGNORED: 1}

    def test_term_that_was_over_before_anybody_was_blocked_blocks_nobody(self) -> None:
        """Going live after a long dry run, one full mailbox would bring back old terms."""
        run = Run()
        run.dry_run = True
        run(message(event(EventKind.HARD_BOUNCE, day=-60)))
        run.dry_run = False

        report = run(message(event(EventKind.SOFT_BOUNCE)))

        assert run.blocklist.requests == []
        assert report.messages == {Outcome.IGNORED: 1}

    def test_first_event_after_it_blocks(self) -> None:
        run = Run()
        run.dry_run = True
        run(message(event()))
        run.dry_run = False

        run(message(event(EventKind.SOFT_BOUNCE)))

        assert run.blocklist.listed == {JANE: None}


class KilledError(Exception):
    """The sandbox is gone, and nothing after it happens."""


class Killer:
    """Counts the calls to the outside, and dies at those that it is told, before or after them."""

    def __init__(self, run: Run, deaths: Sequence[int]) -> None:
        self._deaths = set(deaths)
        self._calls = 0
        for owner, name in (
            (run.ledger, "_record"),
            (run.ledger, "_change"),
            (run.blocklist, "add"),
            (run.blocklist, "remove"),
            (run.dead_letters, "put"),
        ):
            setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **named: object) -> object:
            self._count()
            result = call(*arguments, **named)
            self._count()
            return result

        return wrapped

    def _count(self) -> None:
        self._calls += 1
        if self._calls in self._deaths:
            raise KilledError


_events = st.builds(
    event,
    st.sampled_from([*RULINGS]),
    day=st.integers(0, 60),
    mail=st.sampled_from("abcd"),
    recipient=st.sampled_from([JANE, "joe@example.com"]),
)


@settings(max_examples=2000)
@given(
    st.lists(_events, min_size=1, max_size=8, unique_by=lambda one: (one.recipient, one.key)),
    st.none() | st.integers(0, 60),
    st.lists(st.integers(1, 60), max_size=4),
    st.data(),
)
def test_final_state_depends_only_on_what_happened(
    events: list[DeliveryEvent], unblock: int | None, deaths: list[int], data: st.DataObject
) -> None:
    """
    Whatever the order, the batches, the repetition, the deaths: only the set of events counts.

    The unblock is at its own time: what happened before it may come before or after, what happened
    after it can only come after.
    """
    run = Run()
    Killer(run, deaths)
    moment = NOW + (unblock if unblock is not None else -1) * DAY_SECONDS
    before = [one for one in events if (one.occurred_at or 0) <= moment]
    late = [one for one in before if data.draw(st.booleans(), label="late")]
    early = [one for one in before if one not in late]
    after = [one for one in events if one not in before] + late

    _deliver(run, early, data)
    if unblock is not None:
        _insist(lambda: run.unblock(day=unblock))
    _deliver(run, after, data)

    for recipient in {one.recipient for one in events}:
        facts = [
            Fact(one.key, one.occurred_at or 0, ruling.action, one.bulk_id, ruling.days)
            for one in events
            if one.recipient == recipient
            for ruling in [RULINGS[one.kind]]
        ]
        unblocked = frozenset({moment} if unblock is not None and recipient == JANE else ())
        until = History(facts, unblocked=unblocked).blocked_until(TERMS)
        expected = {recipient: expire_date(until, now=NOW)} if until else {}
        found = {name: day for name, day in run.blocklist.listed.items() if name == recipient}
        assert found == expected
        assert run.ledger.histories[recipient].applied == until
        assert run.ledger.histories[recipient].asked is None


@settings(max_examples=500)
@given(
    st.lists(_events, min_size=1, max_size=8, unique_by=lambda one: (one.recipient, one.key)),
    st.lists(st.integers(1, 60), max_size=4),
    st.data(),
)
def test_final_state_is_as_if_what_is_disowned_had_never_been(
    events: list[DeliveryEvent], deaths: list[int], data: st.DataObject
) -> None:
    """Whatever came before and whatever after, provided that the mistake itself comes once more."""
    run = Run()
    Killer(run, deaths)
    mistakes = [one for one in events if data.draw(st.booleans(), label="mistake")]
    early = [one for one in events if data.draw(st.booleans(), label="early")]

    _deliver(run, early, data)
    for one in mistakes:
        run.ledger.disown(one.recipient, [one.key])
    _deliver(run, [one for one in events if one not in early] + mistakes, data)

    for recipient in {one.recipient for one in events}:
        facts = [
            Fact(one.key, one.occurred_at or 0, ruling.action, one.bulk_id, ruling.days)
            for one in events
            if one.recipient == recipient and one not in mistakes
            for ruling in [RULINGS[one.kind]]
        ]
        until = History(facts).blocked_until(TERMS)
        expected = {recipient: expire_date(until, now=NOW)} if until else {}
        assert {n: day for n, day in run.blocklist.listed.items() if n == recipient} == expected


@settings(max_examples=500)
@given(
    st.lists(_events, min_size=1, max_size=6, unique_by=lambda one: (one.recipient, one.key)),
    st.lists(st.integers(1, 60), max_size=4),
    st.lists(st.sampled_from([0.0, 1.0, 9.0]), min_size=1, max_size=9),
    st.data(),
)
def test_whatever_is_held_has_a_letter_and_blocks_nobody(
    events: list[DeliveryEvent], deaths: list[int], rooms: list[float], data: st.DataObject
) -> None:
    """
    The brake opens and closes, and sandboxes die: nothing is both held and blocked, or neither.

    Tencent's list is what follows from the facts that are not held, and each that is held rests on
    the dead-letter queue as Held.
    """
    run = Run()
    Killer(run, deaths)
    turn = iter(range(1000))

    def open_or_close(_recipient: str) -> None:
        run.brake.room = rooms[next(turn) % len(rooms)]

    run.ledger.meanwhile = open_or_close

    _deliver(run, events, data)

    held_letters = {letter.body for letter in run.dead_letters.kept if letter.code == "Held"}
    for recipient in {one.recipient for one in events}:
        history = run.ledger.histories[recipient]
        until = history.blocked_until(TERMS)
        expected = {recipient: expire_date(until, now=NOW)} if until else {}
        found = {name: day for name, day in run.blocklist.listed.items() if name == recipient}
        assert found == expected
        for one in events:
            ignored = RULINGS[one.kind].action is Action.IGNORE
            if one.recipient == recipient and one.key in history.held and not ignored:
                assert message(one).body in held_letters


def _deliver(run: Run, events: Sequence[DeliveryEvent], data: st.DataObject) -> None:
    """Deliver in any order, in any batches, some twice; what is not answered comes again."""
    repeats = [one for one in events if data.draw(st.booleans(), label="twice")]
    order = data.draw(st.permutations([*events, *repeats]), label="order")
    while order:
        size = data.draw(st.integers(1, len(order)), label="batch")
        batch, order = order[:size], order[size:]
        for receive_count in range(1, 200):
            try:
                report = run(*(message(one, receive_count=receive_count) for one in batch))
            except KilledError:
                continue
            if not report.retry_message_ids:
                break
        else:
            pytest.fail("the batch is never done with")


def _insist(act: Callable[[], None]) -> None:
    while True:
        try:
            act()
        except KilledError:
            continue
        return
