"""Our words for what happened to a mail."""

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
    assert not PASSING_KINDS & {*asked, EventKind.OPERATOR_BLOCK}


@pytest.mark.parametrize("kind", [EventKind.UNKNOWN, EventKind.UNCLEAR_BOUNCE])
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


def make_event(**changed: object) -> DeliveryEvent:
    reported: dict[str, object] = {
        "kind": EventKind.SOFT_BOUNCE,
        "recipient": "jane@example.com",
        "bulk_id": "mail",
        "message_id": "id",
        "occurred_at": 1.0,
    }
    return DeliveryEvent(**reported | changed)  # type: ignore[arg-type]  # tests pass fields


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": EventKind.HARD_BOUNCE},
        {"bulk_id": "another"},
        {"message_id": "another"},
        {"occurred_at": 2.0},
        {"occurred_at": None},
        {"until": date(2026, 12, 1)},
    ],
)
def test_events_that_differ_in_what_happened_have_other_keys(changed: dict[str, object]) -> None:
    """Under one key the second strike would not count."""
    assert make_event(**changed).key != make_event().key


@pytest.mark.parametrize(
    "changed",
    [{"reply": "550 no"}, {"recipient": "Jane@example.com"}, {"app_id": "1"}, {"note": "x"}],
)
def test_delivery_of_the_same_event_has_the_same_key(changed: dict[str, object]) -> None:
    """Under two keys one event would be two strikes; the recipient stands beside the key."""
    assert make_event(**changed).key == make_event().key


def test_any_text_has_a_key() -> None:
    assert len(make_event(bulk_id="\ud800").key) == 16
