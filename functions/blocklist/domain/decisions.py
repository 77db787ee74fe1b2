"""
What an event means for its recipient.

The policy decides; before it come the questions that no policy may answer otherwise: whether the
mail was ours, whether the event is one that Tencent documents, whether there is an address to
block, and whether that address is protected.
"""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import NOBODY, Action, Policy, Ruling


@dataclass(slots=True)
class Decision:
    """
    What to do about *recipient*, normalised, and by which rule. Not frozen, see `DeliveryEvent`.

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


#: Asked for with every event, and an enumeration takes its time to find a member.
_OPERATOR_BLOCK, _UNKNOWN = EventKind.OPERATOR_BLOCK, EventKind.UNKNOWN


class Judge:
    """Decides what to do about events, thousands in a row, by *policy*."""

    def __init__(self, policy: Policy, *, expected: ExpectedSenders = ANYBODY) -> None:
        self._policy = policy
        self._certain = policy.certain
        self._protected = policy.protected if policy.protected != NOBODY else None
        self._expected = expected if expected != ANYBODY else None

    def decide(
        self,
        event: DeliveryEvent,
        from_operator: bool = False,  # noqa: FBT001, FBT002 - a port's order
    ) -> Judgement:
        """Decide about *event*; what an operator sends may be about anybody's mail."""
        kind = event.kind
        if event.recipient == SMOKE_RECIPIENT:
            return Decision("", SMOKE)
        if kind is _OPERATOR_BLOCK:
            ruling = BY_OPERATOR
        elif self._expected and not from_operator and not self._expected.include(event):
            return ErrorCode.UNEXPECTED_SENDER
        elif kind is _UNKNOWN:
            return ErrorCode.UNKNOWN_EVENT
        else:
            ruling = self._certain.get(kind) or self._policy.rule_on(event)
        recipient = normalise(event.recipient)
        if not recipient:
            is_ignored = ruling.action is Action.IGNORE
            return Decision("", ruling) if is_ignored else ErrorCode.INVALID_ADDRESS
        if self._protected and self._protected.include(recipient):
            return Decision(recipient, PROTECTED)
        return Decision(recipient, ruling, event.until)
