"""Who is blocked, and who never is."""

import pytest

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.decisions import ANYBODY, Block, ExpectedSenders, decide
from functions.blocklist.domain.events import DeliveryEvent, EventKind


def make_event(
    kind: EventKind = EventKind.HARD_BOUNCE,
    recipient: str = "jane@example.com",
    *,
    app_id: str = "251200670",
    from_domain: str = "mail.example.org",
) -> DeliveryEvent:
    return DeliveryEvent(kind, recipient, app_id=app_id, from_domain=from_domain)


@pytest.mark.parametrize("kind", [EventKind.HARD_BOUNCE, EventKind.COMPLAINT])
def test_hard_bounces_and_complaints_are_blocked_for_good(kind: EventKind) -> None:
    assert decide(make_event(kind), expected=ANYBODY) == Block("jane@example.com", until=None)


@pytest.mark.parametrize(
    "kind",
    [
        EventKind.SOFT_BOUNCE,
        EventKind.UNCLEAR_BOUNCE,
        EventKind.UNSUBSCRIBE,
        EventKind.DROPPED,
        EventKind.PROCESSED,
        EventKind.DEFERRED,
        EventKind.DELIVERED,
        EventKind.OPENED,
        EventKind.CLICKED,
    ],
)
@pytest.mark.parametrize("recipient", ["jane@example.com", "no address"])
def test_everything_else_that_is_known_is_ignored(kind: EventKind, recipient: str) -> None:
    """Doubt never blocks: not a soft bounce, and not a bounce without a clear label either."""
    assert decide(make_event(kind, recipient), expected=ANYBODY) is None


def test_unknown_event_is_for_somebody_to_look_at() -> None:
    event = make_event(EventKind.UNKNOWN)

    assert decide(event, expected=ANYBODY) is ErrorCode.UNKNOWN_EVENT


def test_recipient_is_blocked_in_its_normal_form() -> None:
    event = make_event(recipient=" Jane@MÜNCHEN.example ")

    assert decide(event, expected=ANYBODY) == Block("Jane@xn--mnchen-3ya.example")


def test_what_is_no_address_can_never_be_blocked() -> None:
    event = make_event(recipient="no address")

    assert decide(event, expected=ANYBODY) is ErrorCode.INVALID_ADDRESS


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
    decision = decide(make_event(), expected=expected)

    assert decision == (Block("jane@example.com") if included else ErrorCode.UNEXPECTED_SENDER)


def test_letter_case_of_a_sender_does_not_matter() -> None:
    """The settings are read in lower case; otherwise no event at all would be expected."""
    event = make_event(app_id="QCloud7", from_domain="Mail.Example.ORG")
    expected = ExpectedSenders(frozenset({"qcloud7"}), frozenset({"mail.example.org"}))

    assert expected.include(event)


@pytest.mark.parametrize(
    "expected",
    [ExpectedSenders(app_ids=frozenset({"1"})), ExpectedSenders(from_domains=frozenset({"a.b"}))],
)
def test_event_that_names_no_sender_is_not_expected(expected: ExpectedSenders) -> None:
    event = make_event(app_id="", from_domain="")

    assert decide(event, expected=expected) is ErrorCode.UNEXPECTED_SENDER


@pytest.mark.parametrize("kind", EventKind)
def test_sender_is_looked_at_first(kind: EventKind) -> None:
    """Whatever a stranger's mail did, it is nothing of ours."""
    expected = ExpectedSenders(app_ids=frozenset({"1"}))

    assert decide(make_event(kind), expected=expected) is ErrorCode.UNEXPECTED_SENDER


def test_block_does_not_show_its_recipient() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    assert "jane" not in repr(Block("jane@example.com"))
