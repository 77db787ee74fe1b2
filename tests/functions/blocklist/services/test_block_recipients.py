"""Every message of a batch ends in exactly one outcome, and only failed ones come back."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters import dynamo_table
from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.decisions import Decision, Judgement
from functions.blocklist.domain.errors import RateLimitedError, UnavailableError
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import Action, Ruling
from functions.blocklist.domain.terms import Strikes, Terms
from functions.blocklist.services.batch import HELD, Batch, Decide, QueueMessage
from functions.blocklist.services.block_recipients import TimeLimits, block_recipients
from functions.blocklist.services.ports import Answer
from functions.blocklist.services.reports import BlockReport, Outcome
from tests.fakes import (
    LIMITS,
    FakeBlocklist,
    FakeDeadLetters,
    FakeMessage,
    FakePacer,
    FakeRedelivery,
)

BLOCKS = EventKind.HARD_BOUNCE
PASSES = EventKind.SOFT_BOUNCE
DOWN = UnavailableError("Down")
TERMS = Terms((7, 30, 180), Strikes(mails=3, days=3, window_days=30))
#: 1 December 2026 in Shanghai.
NOW = 1_796_083_200.0


def make_event(
    recipient: str, kind: EventKind = BLOCKS, *, occurred_at: float | None = None
) -> DeliveryEvent:
    return DeliveryEvent(kind, recipient, occurred_at=occurred_at)


def make_message(
    queue_message_id: str,
    *events: DeliveryEvent | ErrorCode,
    receive_count: int = 1,
    from_operator: bool = False,
) -> FakeMessage:
    return FakeMessage(
        queue_message_id=queue_message_id,
        receipt_handle=f"handle of {queue_message_id}",
        receive_count=receive_count,
        body=f"body of {queue_message_id}".encode(),
        events=events,
        from_operator=from_operator,
    )


def decide(event: DeliveryEvent, _from_operator: bool) -> Judgement:  # noqa: FBT001 - a port's order
    if event.kind is EventKind.UNKNOWN:
        return ErrorCode.UNKNOWN_EVENT
    action = Action.BLOCK if event.kind is BLOCKS else Action.IGNORE
    return Decision(event.recipient, Ruling(action, "a rule"))


class Run:
    """The use case with fakes around it."""

    def __init__(self, **blocklist: object) -> None:
        self.blocklist = FakeBlocklist(**blocklist)  # type: ignore[arg-type]  # tests pass fields
        self.dead_letters = FakeDeadLetters()
        self.redelivery = FakeRedelivery()
        self.pacer = FakePacer()
        self.spread = 1.0
        self.decide: Decide = decide
        self.dry_run = False

    def __call__(self, *messages: QueueMessage) -> BlockReport:
        return block_recipients(
            messages,
            decide=self.decide,
            terms=TERMS,
            ledger=None,
            blocklist=self.blocklist,
            pacer=self.pacer,
            dead_letters=self.dead_letters,
            redelivery=self.redelivery,
            limits=LIMITS,
            now=NOW,
            first_wait_seconds=30,
            spread=lambda: self.spread,
            dry_run=self.dry_run,
        )


def failing_for(*recipients: str, error: Exception = DOWN) -> dict[str, object]:
    """Make a blocklist of one recipient a request, with *error* for some of them."""

    def script(group: Sequence[str]) -> None:
        if set(group) & set(recipients):
            raise error

    return {"max_recipients": 1, "script": script}


def test_equal_recipients_become_one_and_every_message_that_asked_is_answered() -> None:
    run = Run()

    report = run(
        make_message("m-1", make_event("a@example.com")),
        make_message("m-2", make_event("a@example.com")),
    )

    assert run.blocklist.requests == [("a@example.com",)]
    assert report.messages == {Outcome.ACCEPTED: 2}


def test_failure_brings_back_every_message_that_asked_and_no_other() -> None:
    run = Run(**failing_for("a@example.com"))

    report = run(
        make_message("m-1", make_event("a@example.com")),
        make_message("m-2", make_event("b@example.com")),
        make_message("m-3", make_event("a@example.com")),
    )

    assert report.retry_message_ids == ("m-1", "m-3")
    assert report.messages == {Outcome.RETRIED: 2, Outcome.ACCEPTED: 1}
    assert run.dead_letters.kept == []


def test_events_that_do_not_block_are_ignored() -> None:
    run = Run()

    report = run(make_message("m-1", make_event("a@example.com", PASSES)))

    assert run.blocklist.requests == []
    assert report.messages == {Outcome.IGNORED: 1}
    assert report.retry_message_ids == ()


def test_bad_message_goes_to_the_dead_letters_as_it_came_and_harms_nobody() -> None:
    run = Run()

    report = run(
        make_message("m-1", ErrorCode.MALFORMED_EVENT, from_operator=True),
        make_message("m-2", make_event("a@example.com")),
        make_message("m-3", make_event("b@example.com", EventKind.UNKNOWN)),
    )

    assert run.blocklist.blocked == {"a@example.com"}
    assert run.dead_letters.kept == [
        DeadLetter(b"body of m-1", ErrorCode.MALFORMED_EVENT, from_operator=True),
        DeadLetter(b"body of m-3", ErrorCode.UNKNOWN_EVENT),
    ]
    assert [letter.queue_message_id for letter in report.dead_lettered] == ["m-1", "m-3"]
    assert report.messages == {Outcome.DEAD_LETTERED: 2, Outcome.ACCEPTED: 1}
    assert report.retry_message_ids == ()


def test_refused_address_is_a_dead_letter_with_the_request_that_told() -> None:
    run = Run(bad=frozenset({"a@example.com"}))

    run(
        make_message("m-1", make_event("a@example.com")),
        make_message("m-2", make_event("b@example.com")),
    )

    assert run.dead_letters.kept == [
        DeadLetter(b"body of m-1", ErrorCode.REFUSED_ADDRESS, "request-2"),
    ]


def test_dead_letter_that_cannot_be_sent_goes_back_to_the_queue() -> None:
    """Answered as done, it would be gone."""
    run = Run()
    run.dead_letters = FakeDeadLetters(fail=frozenset({1, 2}))

    report = run(
        make_message("m-0", make_event("a@example.com")),
        make_message("m-1", ErrorCode.MALFORMED_EVENT),
        make_message("m-2", ErrorCode.MALFORMED_EVENT),
        make_message("m-3", ErrorCode.MALFORMED_EVENT),
    )

    assert report.retry_message_ids == ("m-2", "m-3")
    assert [letter.queue_message_id for letter in report.dead_lettered] == ["m-1"]
    assert report.messages == {Outcome.ACCEPTED: 1, Outcome.DEAD_LETTERED: 1, Outcome.RETRIED: 2}
    assert report.not_dead_lettered == {"Down": 2}
    assert run.redelivery.waits == [("handle of m-2", 30), ("handle of m-3", 30)]


def test_message_with_several_outcomes_goes_the_worst_way() -> None:
    run = Run(**failing_for("down@example.com"))

    report = run(
        make_message("retried", make_event("down@example.com"), ErrorCode.MALFORMED_EVENT),
        make_message("dead", ErrorCode.MALFORMED_EVENT, make_event("a@example.com")),
        make_message("accepted", make_event("b@example.com"), make_event("c@example.com", PASSES)),
    )

    assert report.retry_message_ids == ("retried",)
    assert [letter.body for letter in run.dead_letters.kept] == [b"body of dead"]
    assert run.blocklist.blocked == {"a@example.com", "b@example.com"}
    assert report.messages == {
        Outcome.RETRIED: 1,
        Outcome.DEAD_LETTERED: 1,
        Outcome.ACCEPTED: 1,
    }


@pytest.mark.parametrize("order", [1, -1])
def test_message_waits_for_whom_it_can_still_block_though_another_is_refused(order: int) -> None:
    """As a dead letter it would be deleted, and the one that could be blocked lost with it."""
    run = Run(bad=frozenset({"bad@example.com"}), **failing_for("down@example.com"))
    events = (make_event("down@example.com"), make_event("bad@example.com"))

    report = run(make_message("m-1", *events[::order]))

    assert report.retry_message_ids == ("m-1",)
    assert run.dead_letters.kept == []


def test_message_with_several_faults_is_dead_lettered_once_for_the_first() -> None:
    run = Run()

    run(make_message("m-1", ErrorCode.INVALID_ADDRESS, ErrorCode.UNKNOWN_EVENT))

    assert [letter.code for letter in run.dead_letters.kept] == [ErrorCode.INVALID_ADDRESS]


def test_held_event_names_the_dead_letter_whatever_else_is_wrong_with_its_message() -> None:
    """Only `release` brings it back; under another code nobody would think of that."""
    batch = Batch([make_message("m-1", ErrorCode.UNKNOWN_EVENT, make_event("a@example.com"))])
    batch.decide(decide)

    batch.settle({"a@example.com": HELD})

    dead_letters = FakeDeadLetters()
    batch.send_dead_letters(dead_letters, before=20)
    assert [letter.code for letter in dead_letters.kept] == [ErrorCode.HELD]


def test_messages_handed_back_wait_longer_each_time() -> None:
    run = Run(**failing_for("a@example.com", error=RateLimitedError("RequestLimitExceeded")))

    run(
        make_message("m-1", make_event("a@example.com"), receive_count=1),
        make_message("m-2", make_event("b@example.com"), receive_count=3),
    )

    assert run.redelivery.waits == [("handle of m-1", 30), ("handle of m-2", 120)]


def test_most_received_of_what_comes_back_is_told() -> None:
    """What is done with does not count: its receives are over."""
    run = Run(**failing_for("a@example.com", "b@example.com"))

    report = run(
        make_message("m-1", make_event("a@example.com"), receive_count=2),
        make_message("m-2", make_event("b@example.com"), receive_count=5),
        make_message("m-3", ErrorCode.UNKNOWN_EVENT, receive_count=9),
    )

    assert report.most_receives == 5


def test_messages_that_failed_together_do_not_come_back_together() -> None:
    run = Run(**failing_for("a@example.com"))
    run.spread = 1.25

    run(make_message("m-1", make_event("a@example.com"), receive_count=2))

    assert run.redelivery.waits == [("handle of m-1", 75)]


def test_message_delivered_twice_in_one_batch_is_named_once() -> None:
    run = Run(**failing_for("a@example.com"))

    report = run(*[make_message("m-1", make_event("a@example.com"))] * 2)

    assert report.retry_message_ids == ("m-1",)


def test_everybody_is_told_when_time_is_over() -> None:
    """Past it Lambda ends the invocation, and the whole batch comes back."""
    run = Run(**failing_for("a@example.com"))

    run(make_message("m-1", make_event("a@example.com")), make_message("m-2", make_event("b@x.y")))

    assert run.pacer.last_starts == {10}
    assert run.blocklist.timeouts == [5, 5]
    assert run.dead_letters.ends == run.redelivery.ends == {20}


def test_terms_are_requested_apart_and_the_longer_one_wins() -> None:
    terms: dict[str, list[date | None]] = {
        "short@example.com": [date(2026, 12, 4), date(2026, 12, 24)],
        "good@example.com": [date(2026, 12, 4), None],
        "still@example.com": [None, date(2026, 12, 4)],
    }
    run = Run()
    run.decide = lambda event, _: Decision(
        event.recipient,
        Ruling(Action.BLOCK, "operator"),
        terms[event.recipient][int(event.occurred_at or 0)],
    )

    run(
        *(
            make_message(f"{recipient} {index}", make_event(recipient, occurred_at=index))
            for recipient in terms
            for index in (0, 1)
        )
    )

    requested = dict(zip(run.blocklist.terms, run.blocklist.requests, strict=True))
    assert requested == {
        date(2026, 12, 24): ("short@example.com",),
        None: ("good@example.com", "still@example.com"),
    }


def test_term_counts_from_the_event_and_lasts_until_tomorrow_at_least() -> None:
    """Tencent refuses a day that is over, and the whole request with it."""
    run = Run()
    run.decide = lambda event, _: Decision(
        event.recipient, Ruling(Action.BLOCK_UNTIL, "a rule", days=30)
    )

    run(
        make_message("m-1", make_event("fresh@example.com", occurred_at=NOW)),
        make_message("m-2", make_event("old@example.com", occurred_at=1_654_064_683)),
    )

    requested = dict(zip(run.blocklist.terms, run.blocklist.requests, strict=True))
    assert requested == {
        date(2026, 12, 31): ("fresh@example.com",),
        date(2026, 12, 2): ("old@example.com",),
    }


def test_without_a_ledger_strikes_block_nobody() -> None:
    """Strikes of one batch are not all there were, and the others are forgotten."""
    run = Run()
    run.decide = lambda event, _: Decision(event.recipient, Ruling(Action.STRIKE, "a rule"))
    events = [
        DeliveryEvent(
            BLOCKS, "a@example.com", bulk_id=f"mail-{day}", occurred_at=NOW + day * 86_400
        )
        for day in range(5)
    ]

    report = run(*(make_message(event.bulk_id, event) for event in events))

    assert run.blocklist.requests == []
    assert report.messages == {Outcome.IGNORED: 5}
    assert report.decisions == {("a rule", Action.STRIKE): 5}


def test_decision_counts_once_its_message_is_done_with() -> None:
    """Else an outage would look like a flood of bounces."""
    run = Run(**failing_for("down@example.com"))

    report = run(
        make_message("m-1", make_event("down@example.com")),
        make_message("m-2", make_event("a@example.com")),
    )

    assert report.decisions == {("a rule", Action.BLOCK): 1}


def test_operator_is_named_to_whoever_decides() -> None:
    seen: list[bool] = []
    run = Run()

    def notice(event: DeliveryEvent, from_operator: bool) -> Judgement:  # noqa: FBT001 - as above
        seen.append(from_operator)
        return decide(event, from_operator)

    run.decide = notice

    run(
        make_message("m-1", make_event("a@example.com")),
        make_message("m-2", make_event("b@example.com"), from_operator=True),
    )

    assert seen == [False, True]


def test_dry_run_decides_everything_and_sends_nothing() -> None:
    run = Run()
    run.dry_run = True

    report = run(
        make_message("m-1", make_event("a@example.com")),
        make_message("m-2", ErrorCode.MALFORMED_EVENT),
    )

    assert run.blocklist.requests == []
    assert report.messages == {Outcome.ACCEPTED: 1, Outcome.DEAD_LETTERED: 1}
    assert report.totals.sent == report.totals.requests == 0


def test_oldest_accepted_event_is_reported() -> None:
    run = Run(**failing_for("down@example.com"))

    report = run(
        make_message("m-1", make_event("a@example.com", occurred_at=200)),
        make_message("m-2", make_event("b@example.com", occurred_at=100)),
        make_message("m-3", make_event("c@example.com")),
        make_message("m-4", make_event("down@example.com", occurred_at=1)),
    )

    assert report.oldest_accepted_at == 100


def test_batch_without_accepted_messages_has_no_oldest() -> None:
    assert Run()().oldest_accepted_at is None


@given(
    kinds=st.lists(st.sampled_from(["block", "pass", "bad", "down", "refused"]), max_size=30),
)
def test_every_message_ends_in_exactly_one_outcome(kinds: list[str]) -> None:
    run = Run(
        bad=frozenset(f"{index}@refused.example.com" for index in range(30)),
        max_recipients=3,
        script=_down_for_some,
    )
    events: dict[str, DeliveryEvent | ErrorCode] = {
        f"m-{index}": (
            ErrorCode.MALFORMED_EVENT
            if kind == "bad"
            else make_event(f"{index}@{kind}.example.com", PASSES if kind == "pass" else BLOCKS)
        )
        for index, kind in enumerate(kinds)
    }

    report = run(*(make_message(message_id, event) for message_id, event in events.items()))

    dead = {letter.queue_message_id for letter in report.dead_lettered}
    assert sum(report.messages.values()) == len(kinds)
    assert len(report.retry_message_ids) == report.messages[Outcome.RETRIED]
    assert len(dead) == len(run.dead_letters.kept) == report.messages[Outcome.DEAD_LETTERED]
    assert not dead & set(report.retry_message_ids)
    assert set(report.retry_message_ids) <= set(events)
    assert {event.recipient for event in _blocking(events.values())} >= run.blocklist.blocked


def _down_for_some(group: Sequence[str]) -> Answer | None:
    if any("down" in recipient for recipient in group):
        raise UnavailableError("Down")
    return None


def _blocking(events: object) -> list[DeliveryEvent]:
    return [
        event
        for event in events  # type: ignore[attr-defined]  # values of a dict
        if isinstance(event, DeliveryEvent) and event.kind is BLOCKS
    ]


def test_time_is_shared_out_between_requests_and_handing_back() -> None:
    limits = TimeLimits.within(60, now=1000)

    assert limits == TimeLimits(
        record_before=1020,
        count_before=1024,
        prepare_before=1027,
        last_start=1030,
        settle_before=1052.5,
        end=1059.5,
        request_seconds=15,
    )


def test_no_request_takes_longer_than_fifteen_seconds() -> None:
    limits = TimeLimits.within(900, now=0)

    assert limits == TimeLimits(
        record_before=440,
        count_before=528,
        prepare_before=594,
        last_start=660,
        settle_before=787.5,
        end=899.5,
        request_seconds=15,
    )


def test_short_invocations_keep_time_for_handing_back() -> None:
    limits = TimeLimits.within(10, now=1000)

    assert (limits.last_start, limits.settle_before) == (1003.5, 1007.5)
    assert (limits.end, limits.request_seconds) == (1009.5, 2.5)


@pytest.mark.parametrize("seconds", [10, 17, 30, 60, 900])
def test_ledger_that_hangs_does_not_outlast_the_invocation(seconds: int) -> None:
    """Killed, it would hand nothing back: what was done would be done again, letters sent twice."""
    limits = TimeLimits.within(seconds, now=0)

    assert limits.settle_before + dynamo_table.CALL_SECONDS <= limits.end
