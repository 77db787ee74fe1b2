"""
The pipeline's own rules and policy, asked on behalf of a person.

Every command that needs to know what a reply means, or what would be done about it, asks here and
nowhere else, so that no command can disagree with the pipeline.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from cli.errors import WrongInputError
from functions.blocklist.adapters.callback import KINDS, LABELS, parse_message
from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.domain.events import DeliveryEvent
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.reasons import Verdict

DEFAULT_POLICY = "strict.toml"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a mail came back, by which rule for replies, and what is done about its recipient."""

    reason: str
    rule: str
    decision: Action


class Judge:
    """Reads replies and decides as the policy that is shipped under *policy_file* does."""

    def __init__(self, policy_file: str = DEFAULT_POLICY) -> None:
        self._policy = load_policy(policy_file)

    def read(self, text: str) -> Verdict:
        """Tell what a reply says by itself, whatever its label."""
        return self._policy.classify(text)

    def decide(self, text: str, *, event: str, label: str) -> Judgement:
        """Tell what becomes of somebody about whom Tencent reports *event* with *label*."""
        verdict = self.read(text)
        reported = {
            "event": event,
            "bounceType": label,
            "email": "somebody@example.com",
            "reason": text,
        }
        [parsed] = parse_message(json.dumps(reported).encode())
        if not isinstance(parsed, DeliveryEvent):
            return Judgement(verdict.reason.value, verdict.rule, Action.IGNORE)
        return Judgement(verdict.reason.value, verdict.rule, self._policy.rule_on(parsed).action)

    def check_names(self, *, event: str, label: str) -> None:
        """
        Let nobody be answered about a name that they mistyped; a bounce may have no label.

        Raises:
            WrongInputError: Tencent documents no such event, or no such label.
        """
        _check_name("event", event, KINDS)
        if label.strip():
            _check_name("label", label, LABELS)


def _check_name(what: str, name: str, known: Collection[str]) -> None:
    if name.strip().lower() not in known:
        raise WrongInputError(
            f"{name!r} is no {what} that Tencent documents.",
            f"It is one of {', '.join(known)}. A line of --file may have any.",
        )
