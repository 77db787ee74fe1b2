"""
What an event means for its recipient.

The policy decides; before it come the questions that no policy may answer otherwise: whether the
mail was ours, whether the event is one that Tencent documents, whether there is an address to
block, and whether that address is protected.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeAlias

from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import Action, Policy, Ruling


class Decision(NamedTuple):
    """
    What to do about *recipient*, normalised, and which rule says so.

    *recipient* is empty where an event is ignored whose address is none. *until* is the day that an
    operator asked for, None for good.
    """

    recipient: str
    ruling: Ruling
    until: date | None = None

    def __repr__(self) -> str:
        """Show the rule and not the recipient: a `repr` ends in logs and exceptions' texts."""
        return f"Decision({self.ruling!r}, until={self.until!r})"


#: A decision, or the reason why none can ever be made.
Judgement: TypeAlias = Decision | ErrorCode


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

BY_OPERATOR = Ruling(Action.BLOCK, "operator")
PROTECTED = Ruling(Action.IGNORE, "protected")
SMOKE = Ruling(Action.IGNORE, "smoke test")
#: The recipient of the smoke test that follows a deployment: nobody, as RFC 2606 has it.
SMOKE_RECIPIENT = "smoke@ses-blocklist.invalid"


def decide(event: DeliveryEvent, policy: Policy, *, expected: ExpectedSenders) -> Judgement:
    """Decide what to do about *event*."""
    if event.recipient == SMOKE_RECIPIENT:
        return Decision("", SMOKE)
    if event.kind is EventKind.OPERATOR_BLOCK:
        ruling = BY_OPERATOR
    elif not expected.include(event):
        return ErrorCode.UNEXPECTED_SENDER
    elif event.kind is EventKind.UNKNOWN:
        return ErrorCode.UNKNOWN_EVENT
    else:
        ruling = policy.rule_on(event)
    recipient = normalise(event.recipient)
    if not recipient:
        return Decision("", ruling) if ruling.action is Action.IGNORE else ErrorCode.INVALID_ADDRESS
    if policy.protected.include(recipient):
        return Decision(recipient, PROTECTED)
    return Decision(recipient, ruling, event.until)
