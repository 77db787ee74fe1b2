"""What happened to a mail, in our words."""

from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256


class EventKind(StrEnum):
    """Every kind of event that a message can report."""

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
    OPERATOR_BLOCK = "operator_block"  # a person asks for it; never from a callback
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
#: Kinds that carry the reply of the recipient's mail server.
BOUNCES = frozenset({EventKind.HARD_BOUNCE, EventKind.SOFT_BOUNCE, EventKind.UNCLEAR_BOUNCE})


@dataclass(slots=True)
class DeliveryEvent:
    """
    One event about one recipient. Not frozen: thousands are made at once (docs/performance.md).

    *recipient* is as reported, not yet normalised, and *reply* is the mail server's own words. Text
    is empty when not reported; *occurred_at* is in epoch seconds, or None. *until* and *note* are
    an operator's: the last day of the block, None for good, and why.
    """

    kind: EventKind
    recipient: str
    bulk_id: str = ""
    app_id: str = ""
    from_domain: str = ""
    occurred_at: float | None = None
    reply: str = ""
    sender: str = ""
    template_id: str = ""
    message_id: str = ""
    until: date | None = None
    note: str = ""

    def __repr__(self) -> str:
        """Show nothing that may hold an address: a `repr` ends in logs and exceptions' texts."""
        shown = asdict(self)
        for name in ("recipient", "reply", "sender", "message_id", "note"):
            del shown[name]
        return f"DeliveryEvent({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def key(self) -> str:
        """
        Tell events of one recipient apart: the same for every delivery of the same event.

        Tencent gives no id of its own, so it is made of what an event says of itself.
        """
        parts = (self.kind, self.bulk_id, self.message_id, repr(self.occurred_at), self.until)
        return sha256("\n".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()[:16]
