"""Our words for what happened to a mail."""

import re
from datetime import date

import pytest

from functions.blocklist.adapters.policies import POLICIES, load_policy
from functions.blocklist.domain.events import BOUNCES, PASSING_KINDS, DeliveryEvent, EventKind


def test_passing_kinds_are_those_that_the_door_does_not_keep() -> None:
    assert {
        EventKind.DELIVERED,
        EventKind.OPENED,
        EventKind.CLICKED,
        EventKind.DEFERRED,
        EventKind.PROCESSED,
    } == PASSING_KINDS


@pytest.mark.parametrize("name", sorted(path.name for path in POLICIES.glob("*.toml")))
def test_nothing_that_a_policy_asks_about_passes(name: str) -> None:
    """A kind in both would be dropped at the door, and its recipient be written to again."""
    asked = frozenset().union(*(rule.events for rule in load_policy(name).rules))

    assert asked >= BOUNCES
    assert not PASSING_KINDS & asked


@pytest.mark.parametrize(
    "kind", [EventKind.UNKNOWN, EventKind.UNCLEAR_BOUNCE, EventKind.OPERATOR_BLOCK]
)
def test_what_is_not_understood_is_kept(kind: EventKind) -> None:
    assert kind not in PASSING_KINDS


def test_event_does_not_show_its_recipient() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    event = DeliveryEvent(
        EventKind.COMPLAINT,
        "jane@example.com",
        app_id="251200670",
        reply="550 <jane@example.com> unknown",
        sender="jane.boss@example.org",
        message_id="<jane@mail.example.org>",
        note="jane asked for it",
    )

    assert "jane" not in repr(event)
    assert "251200670" in repr(event)


EVENT = DeliveryEvent(
    EventKind.SOFT_BOUNCE,
    "jane@example.com",
    bulk_id="qcloudses-30-1",
    occurred_at=1761555490.0,
    message_id="<1@example.org>",
)


def test_event_that_is_delivered_again_has_the_same_key() -> None:
    """Otherwise SQS, which delivers at least once, would make three strikes of one."""
    again = EVENT._replace(recipient=" JANE@EXAMPLE.COM", reply="550 the same in other words")

    assert again.key == EVENT.key
    assert re.fullmatch("[0-9a-f]{16}", EVENT.key)


@pytest.mark.parametrize(
    "other",
    [
        EVENT._replace(kind=EventKind.COMPLAINT),
        EVENT._replace(bulk_id="qcloudses-30-2"),
        EVENT._replace(message_id="<2@example.org>"),
        EVENT._replace(occurred_at=1761555491.0),
        EVENT._replace(occurred_at=None),
        EVENT._replace(until=date(2027, 1, 31)),
    ],
)
def test_events_that_differ_have_different_keys(other: DeliveryEvent) -> None:
    """Taken for one, a second event would be lost."""
    assert other.key != EVENT.key


def test_key_can_be_made_of_anything() -> None:
    """A lone surrogate, which JSON can carry, once stopped the batch it came in elsewhere."""
    assert EVENT._replace(bulk_id="\ud800").key
