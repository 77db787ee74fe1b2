"""
Whom to block, and for how long: rules of which the first that matches an event decides.

A rule looks at the kind of event, at the reason that the reply gives, and at whose mail it was.
What no rule matches is ignored: doubt never blocks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from functions.blocklist.domain.events import BOUNCES, DeliveryEvent, EventKind
from functions.blocklist.domain.reasons import Reason, Verdict
from functions.blocklist.domain.terms import Terms


class Action(StrEnum):
    """What a rule does about an event's recipient."""

    BLOCK = "block"  # for good
    BLOCK_UNTIL = "block_until"  # for a term, each further time for a longer one
    STRIKE = "strike"  # for a term, once there were several of them
    IGNORE = "ignore"


#: Judges a reply.
Classify = Callable[[str], Verdict]

#: What there is to know about an event without a reply of the recipient's server.
NO_REPLY = Verdict(Reason.UNKNOWN, "", is_silent=True)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """
    One rule: every condition that it has must hold.

    Sets that are empty, and None, are no condition. *lasting* asks whether an address that is gone
    is gone for good, *silent* whether the reply says nothing. Senders, domains and templates are in
    lower case. *days* is the first term of `block_until`.
    """

    name: str
    action: Action
    events: frozenset[EventKind]
    days: int = 0
    reasons: frozenset[Reason] = frozenset()
    lasting: bool | None = None
    silent: bool | None = None
    senders: frozenset[str] = frozenset()
    from_domains: frozenset[str] = frozenset()
    template_ids: frozenset[str] = frozenset()

    @property
    def reads_reply(self) -> bool:
        """Tell whether the rule needs the reply judged: that costs more than all the rest."""
        return bool(self.reasons) or self.lasting is not None or self.silent is not None

    @property
    def asks_for_nothing_else(self) -> bool:
        """Tell whether the rule is about every event of its kinds."""
        return not (self.reads_reply or self.senders or self.from_domains or self.template_ids)

    def is_about(self, event: DeliveryEvent) -> bool:
        """Tell whether the rule is about mail like that of *event*."""
        return (
            (not self.senders or event.sender.lower() in self.senders)
            and (not self.from_domains or event.from_domain.lower() in self.from_domains)
            and (not self.template_ids or event.template_id in self.template_ids)
        )

    def accepts(self, verdict: Verdict) -> bool:
        """Tell whether the reply is one that the rule is about."""
        return (
            (not self.reasons or verdict.reason in self.reasons)
            and self.lasting in {None, verdict.is_gone_for_good}
            and self.silent in {None, verdict.is_silent}
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says about an event, by which *rule*, and what the reply was found to say."""

    action: Action
    rule: str
    days: int = 0
    verdict: Verdict = NO_REPLY


#: What no rule is about.
NO_MATCH = Ruling(Action.IGNORE, "no rule")


@dataclass(frozen=True, slots=True)
class Protected:
    """Whom nothing ever blocks, normalised."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def include(self, recipient: str) -> bool:
        """Tell whether *recipient*, normalised, is protected. Letter case does not matter here."""
        return recipient.lower() in self.addresses or recipient.rpartition("@")[2] in self.domains


NOBODY = Protected()


@dataclass(frozen=True)
class Policy:
    """
    The rules in their order, and what they stand on.

    *version* names the text that it was read from, so that a decision can be traced to it.
    """

    version: str
    rules: Sequence[PolicyRule]
    terms: Terms
    classify: Classify = field(repr=False)
    protected: Protected = NOBODY

    @cached_property
    def _rules_by_kind(self) -> Mapping[EventKind, Sequence[PolicyRule]]:
        return {
            kind: tuple(rule for rule in self.rules if kind in rule.events) for kind in EventKind
        }

    @cached_property
    def certain(self) -> Mapping[EventKind, Ruling]:
        """What is decided about every event of a kind: no rule, or a first that asks no more."""
        firsts = {kind: rules[0] for kind, rules in self._rules_by_kind.items() if rules}
        return dict.fromkeys(self._rules_by_kind.keys() - firsts.keys(), NO_MATCH) | {
            kind: Ruling(rule.action, rule.name, rule.days)
            for kind, rule in firsts.items()
            if rule.asks_for_nothing_else
        }

    def rule_on(self, event: DeliveryEvent) -> Ruling:
        """Let the first rule that matches decide; the reply is judged once, and only when asked."""
        if event.kind in self.certain:
            return self.certain[event.kind]
        verdict = NO_REPLY
        judged = event.kind not in BOUNCES
        for rule in self._rules_by_kind[event.kind]:
            if not rule.is_about(event):
                continue
            if rule.reads_reply and not judged:
                verdict, judged = self.classify(event.reply), True
            if not rule.reads_reply or rule.accepts(verdict):
                return Ruling(rule.action, rule.name, rule.days, verdict)
        return replace(NO_MATCH, verdict=verdict)
