"""
The pipeline's own classifier and policy, asked on behalf of a person.

Every command that needs to know what a reply means, or what would be done about it, asks here and
nowhere else, so that no command can disagree with the pipeline.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from functions.blocklist.adapters.callback import parse_message
from functions.blocklist.adapters.rules import load_classifier
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.reasons import NOTHING_SAID, Reason, Verdict


class Decision(StrEnum):
    """What the policy does about a recipient."""

    BLOCK = "block"
    BLOCK_UNTIL = "block_until"
    STRIKE = "strike"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a mail came back, by which rule, and what is done about its recipient."""

    reason: str
    rule: str
    decision: Decision


class Judge:
    """Reads replies by the rules that the pipeline ships."""

    def __init__(self) -> None:
        self._classifier = load_classifier()

    def read(self, text: str) -> Verdict:
        """Tell what a reply says by itself, whatever its label."""
        return self._classifier.classify(text, hard=False)

    def decide(self, text: str, *, event: str, label: str) -> Judgement:
        """Tell what becomes of somebody about whom Tencent reports *event* with *label*."""
        verdict = self.read(text)
        decision = _by_strict_policy(_kind(event, label), verdict)
        return Judgement(verdict.reason.value, verdict.rule, decision)


def _kind(event: str, label: str) -> EventKind:
    """Let the pipeline's own decoder say what it takes *event* and *label* for."""
    callback = {"event": event, "bounceType": label, "email": "somebody@example.com"}
    [parsed] = parse_message(json.dumps(callback).encode())
    match parsed:
        case DeliveryEvent(kind=kind):
            return kind
        case ErrorCode():
            return EventKind.UNKNOWN


#: Reasons that tell about the sender, the mail or the way between: another mail may arrive.
_ABOUT_THE_SENDER = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.REPUTATION,
        Reason.CONTENT,
        Reason.AUTHENTICATION,
        Reason.POLICY,
        Reason.NETWORK,
    }
)
_BOUNCES = frozenset({EventKind.HARD_BOUNCE, EventKind.SOFT_BOUNCE, EventKind.UNCLEAR_BOUNCE})


def _by_strict_policy(kind: EventKind, verdict: Verdict) -> Decision:
    """
    Decide as the default policy is written down.

    Stands in for the policy engine: with it, this is one call of the engine's.
    """
    is_hard = kind is EventKind.HARD_BOUNCE
    if kind is EventKind.COMPLAINT or (is_hard and verdict.is_gone_for_good):
        return Decision.BLOCK
    if kind not in _BOUNCES or verdict.reason in _ABOUT_THE_SENDER:
        return Decision.IGNORE
    if is_hard and verdict is NOTHING_SAID:
        return Decision.BLOCK_UNTIL
    return Decision.STRIKE
