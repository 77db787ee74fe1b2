"""What comes before the policy, and what the policy is not asked."""

from datetime import date

import pytest

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.decisions import (
    ANYBODY,
    BY_OPERATOR,
    PROTECTED,
    SMOKE,
    SMOKE_RECIPIENT,
    Decision,
    ExpectedSenders,
    Judge,
    Judgement,
)
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import (
    NO_REPLY,
    Action,
    Policy,
    PolicyRule,
    Protected,
    Ruling,
)
from functions.blocklist.domain.terms import Strikes, Terms

BLOCKED = Ruling(Action.BLOCK, "block")
IGNORED = Ruling(Action.IGNORE, "no rule")
#: Blocks for hard bounces, and protects one domain.
POLICY = Policy(
    "test@1",
    (PolicyRule("block", Action.BLOCK, frozenset({EventKind.HARD_BOUNCE})),),
    Terms((7,), Strikes(mails=3, days=3, window_days=30)),
    classify=lambda _: NO_REPLY,
    protected=Protected(domains=frozenset({"ours.example"})),
)
STRANGERS = ExpectedSenders(app_ids=frozenset({"1"}))


def make_event(
    kind: EventKind = EventKind.HARD_BOUNCE,
    recipient: str = "jane@example.com",
    *,
    app_id: str = "251200670",
    from_domain: str = "mail.example.org",
    until: date | None = None,
) -> DeliveryEvent:
    return DeliveryEvent(kind, recipient, app_id=app_id, from_domain=from_domain, until=until)


def decided(event: DeliveryEvent, expected: ExpectedSenders = ANYBODY) -> Judgement:
    return Judge(POLICY, expected=expected).decide(event)


def test_policy_decides() -> None:
    assert decided(make_event()) == Decision("jane@example.com", BLOCKED)
    assert decided(make_event(EventKind.SOFT_BOUNCE)) == Decision("jane@example.com", IGNORED)


def test_unknown_event_is_for_somebody_to_look_at() -> None:
    assert decided(make_event(EventKind.UNKNOWN)) is ErrorCode.UNKNOWN_EVENT


def test_recipient_is_decided_about_in_its_normal_form() -> None:
    """Two spellings of one address would be two requests, and two histories."""
    event = make_event(recipient=" Jane@MÜNCHEN.example ")

    assert decided(event) == Decision("Jane@xn--mnchen-3ya.example", BLOCKED)


def test_what_is_no_address_can_never_be_blocked() -> None:
    """Tencent would refuse it without saying which it was, and finding it costs requests."""
    assert decided(make_event(recipient="no address")) is ErrorCode.INVALID_ADDRESS


def test_what_is_ignored_needs_no_address() -> None:
    """Nobody should be called at night for an event that changes nothing."""
    event = make_event(EventKind.DROPPED, "no address")

    assert decided(event) == Decision("", IGNORED)


def test_protected_recipient_is_never_blocked() -> None:
    """Somebody's own postmaster, the lawyer, the regulator: a wrong block there is not undone."""
    event = make_event(recipient="jane@OURS.example")

    assert decided(event) == Decision("jane@ours.example", PROTECTED)


def test_operator_is_asked_nothing() -> None:
    """Neither whose mail it was, nor what the policy thinks."""
    event = make_event(EventKind.OPERATOR_BLOCK, app_id="", from_domain="")

    assert decided(event, STRANGERS) == Decision("jane@example.com", BY_OPERATOR)


def test_operators_day_is_kept() -> None:
    event = make_event(EventKind.OPERATOR_BLOCK, until=date(2027, 1, 31))

    assert decided(event) == Decision("jane@example.com", BY_OPERATOR, date(2027, 1, 31))


def test_not_even_an_operator_blocks_who_is_protected() -> None:
    """A file of ten thousand addresses holds one that nobody looked at."""
    event = make_event(EventKind.OPERATOR_BLOCK, "jane@ours.example", until=date(2027, 1, 31))

    assert decided(event) == Decision("jane@ours.example", PROTECTED)


def test_operators_mistyped_address_is_refused() -> None:
    event = make_event(EventKind.OPERATOR_BLOCK, "no address")

    assert decided(event) is ErrorCode.INVALID_ADDRESS


@pytest.mark.parametrize(
    ("expected", "included"),
    [
        (ExpectedSenders(), True),
        (ExpectedSenders(app_ids=frozenset({"251200670"})), True),
        (ExpectedSenders(app_ids=frozenset({"1", "251200670"})), True),
        (ExpectedSenders(app_ids=frozenset({"2512006701"})), False),
        (ExpectedSenders(app_ids=frozenset({""})), False),
        (ExpectedSenders(from_domains=frozenset({"mail.example.org"})), True),
        (ExpectedSenders(from_domains=frozenset({"example.org"})), False),
        (ExpectedSenders(frozenset({"251200670"}), frozenset({"mail.example.org"})), True),
        (ExpectedSenders(frozenset({"251200670"}), frozenset({"example.org"})), False),
        (ExpectedSenders(frozenset({"1"}), frozenset({"mail.example.org"})), False),
    ],
)
def test_only_events_of_expected_senders_block(
    expected: ExpectedSenders, *, included: bool
) -> None:
    decision = decided(make_event(), expected)

    assert decision == (
        Decision("jane@example.com", BLOCKED) if included else ErrorCode.UNEXPECTED_SENDER
    )


def test_letter_case_of_a_sender_does_not_matter() -> None:
    """The settings are read in lower case; otherwise no event at all would be expected."""
    event = make_event(app_id="QCloud7", from_domain="Mail.Example.ORG")
    expected = ExpectedSenders(frozenset({"qcloud7"}), frozenset({"mail.example.org"}))

    assert expected.include(event)


@pytest.mark.parametrize("expected", [STRANGERS, ExpectedSenders(from_domains=frozenset({"a.b"}))])
def test_event_that_names_no_sender_is_not_expected(expected: ExpectedSenders) -> None:
    event = make_event(app_id="", from_domain="")

    assert decided(event, expected) is ErrorCode.UNEXPECTED_SENDER


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {EventKind.OPERATOR_BLOCK}))
@pytest.mark.parametrize("recipient", ["jane@example.com", "jane@ours.example", "no address"])
def test_sender_is_looked_at_first(recipient: str, kind: EventKind) -> None:
    """Whatever a stranger's mail did, it is nothing of ours."""
    assert decided(make_event(kind, recipient), STRANGERS) is ErrorCode.UNEXPECTED_SENDER


def test_decision_does_not_show_its_recipient() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    assert "jane" not in repr(Decision("jane@example.com", BLOCKED))


@pytest.mark.parametrize("kind", EventKind)
def test_smoke_test_blocks_nobody_and_is_anybodys(kind: EventKind) -> None:
    """It runs after each deployment, whatever the stage expects, and must leave nothing behind."""
    event = make_event(kind, SMOKE_RECIPIENT)

    assert decided(event, STRANGERS) == Decision("", SMOKE)
