"""
What an event means for its recipient.

Blocked for good: a hard bounce, since the mailbox does not exist, and a complaint, since the person
said so. Everything else that is known is ignored. Doubt never blocks: a bounce without a clear
label is ignored too. A name that Tencent does not document goes to the dead-letter queue, where
somebody looks.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind

BLOCKING_KINDS = frozenset({EventKind.HARD_BOUNCE, EventKind.COMPLAINT})


@dataclass(frozen=True, slots=True)
class Block:
    """Block *recipient*, normalised, until the day *until*; None means for good."""

    recipient: str = field(repr=False)
    until: date | None = None


#: A block, nothing (None), or the reason why nothing can ever be done.
Decision: TypeAlias = Block | ErrorCode | None


@dataclass(frozen=True, slots=True)
class ExpectedSenders:
    """Whose mail the callbacks may be about, in lower case; empty means anybody's."""

    app_ids: frozenset[str] = frozenset()
    from_domains: frozenset[str] = frozenset()

    def include(self, event: DeliveryEvent) -> bool:
        """Tell whether *event* is about mail of an expected sender."""
        return (not self.app_ids or event.app_id.lower() in self.app_ids) and (
            not self.from_domains or event.from_domain.lower() in self.from_domains
        )


ANYBODY = ExpectedSenders()


def decide(event: DeliveryEvent, *, expected: ExpectedSenders) -> Decision:
    """Decide what to do about *event*."""
    if not expected.include(event):
        return ErrorCode.UNEXPECTED_SENDER
    if event.kind is EventKind.UNKNOWN:
        return ErrorCode.UNKNOWN_EVENT
    if event.kind not in BLOCKING_KINDS:
        return None
    recipient = normalise(event.recipient)
    return Block(recipient) if recipient else ErrorCode.INVALID_ADDRESS
