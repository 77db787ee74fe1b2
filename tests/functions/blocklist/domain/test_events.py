"""Our words for what happened to a mail."""

import pytest

from functions.blocklist.domain.decisions import BLOCKING_KINDS
from functions.blocklist.domain.events import PASSING_KINDS, DeliveryEvent, EventKind


def test_passing_kinds_are_those_that_the_door_does_not_keep() -> None:
    assert {
        EventKind.DELIVERED,
        EventKind.OPENED,
        EventKind.CLICKED,
        EventKind.DEFERRED,
        EventKind.PROCESSED,
    } == PASSING_KINDS


def test_nothing_that_blocks_passes() -> None:
    """A kind in both would be dropped at the door, and its recipient be written to again."""
    assert not PASSING_KINDS & BLOCKING_KINDS


@pytest.mark.parametrize("kind", [EventKind.UNKNOWN, EventKind.UNCLEAR_BOUNCE])
def test_what_is_not_understood_is_kept(kind: EventKind) -> None:
    assert kind not in PASSING_KINDS


def test_event_does_not_show_its_recipient() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    event = DeliveryEvent(EventKind.COMPLAINT, "jane@example.com", app_id="251200670")

    assert "jane" not in repr(event)
    assert "251200670" in repr(event)
