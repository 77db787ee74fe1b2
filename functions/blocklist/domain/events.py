"""What happened to a mail, in our words."""

from enum import StrEnum
from typing import NamedTuple


class EventKind(StrEnum):
    """Every kind of event that a callback can report."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    UNCLEAR_BOUNCE = "unclear_bounce"  # the label that tells hard from soft is missing or unknown
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    DROPPED = "dropped"
    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    UNKNOWN = "unknown"


#: Kinds that never lead to a block: counted at the door and not kept.
PASSING_KINDS = frozenset(
    {
        EventKind.PROCESSED,
        EventKind.DEFERRED,
        EventKind.DELIVERED,
        EventKind.OPENED,
        EventKind.CLICKED,
    }
)


class DeliveryEvent(NamedTuple):
    """
    One event about one recipient. A tuple, since thousands are made at once (docs/performance.md).

    *recipient* is as reported, not yet normalised. *bulk_id*, *app_id* and *from_domain* are empty
    when not reported. *occurred_at* is in epoch seconds, or None when not reported.
    """

    kind: EventKind
    recipient: str
    bulk_id: str = ""
    app_id: str = ""
    from_domain: str = ""
    occurred_at: float | None = None

    def __repr__(self) -> str:
        """Show everything but the recipient: a `repr` ends in logs and in exceptions' texts."""
        shown = self._asdict()
        del shown["recipient"]
        return f"DeliveryEvent({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
