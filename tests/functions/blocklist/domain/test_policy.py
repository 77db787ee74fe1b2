"""Who is blocked, and for how long: how rules decide, and what each rule that we ship is for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.domain.events import BOUNCES, DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import (
    NO_REPLY,
    Action,
    Policy,
    PolicyRule,
    Protected,
    Ruling,
)
from functions.blocklist.domain.reasons import Reason, Verdict
from functions.blocklist.domain.terms import SHANGHAI, Strikes, Terms

STRICT = load_policy("strict.toml")
LENIENT = load_policy("lenient.toml")
TWO_STREAMS = load_policy("two-streams.toml")
SHIPPED = {"strict": STRICT, "lenient": LENIENT, "two-streams": TWO_STREAMS}

GONE = "550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown"
LOCKED = "550 5.2.1 the account is locked"
FULL = "552 5.2.2 mailbox full"
STRANGE = "550 zzyzx"
ABOUT_THE_SENDER = {
    "rate_limited": "550 Connection frequency limited",
    "reputation": "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "content": "550 Mail content denied",
    "authentication": "550 5.7.26 DMARC check failed",
    "policy": "554 5.7.1 Relay access denied",
    "network": "451 4.4.2 connection timed out",
}

FOR_GOOD = (Action.BLOCK, 0)
THIRTY_DAYS = (Action.BLOCK_UNTIL, 30)
STRIKE = (Action.STRIKE, 0)
IGNORED = (Action.IGNORE, 0)


def make_event(
    kind: EventKind = EventKind.HARD_BOUNCE,
    reply: str = "",
    *,
    sender: str = "shop@mail.example.org",
    from_domain: str = "mail.example.org",
    template_id: str = "",
) -> DeliveryEvent:
    return DeliveryEvent(
        kind,
        "jane@example.com",
        from_domain=from_domain,
        reply=reply,
        sender=sender,
        template_id=template_id,
    )


def make_rule(
    name: str = "test",
    *,
    action: Action = Action.BLOCK,
    **conditions: Any,  # noqa: ANN401 - what a rule takes
) -> PolicyRule:
    return PolicyRule(name, action, frozenset({EventKind.HARD_BOUNCE}), **conditions)


class Judge:
    """Finds the same *verdict* in every reply, and remembers which it was asked about."""

    def __init__(self, verdict: Verdict = NO_REPLY) -> None:
        self.verdict = verdict
        self.asked: list[str] = []

    def __call__(self, reply: str) -> Verdict:
        self.asked.append(reply)
        return self.verdict


def make_policy(*rules: PolicyRule, judge: Judge | None = None) -> Policy:
    terms = Terms((7,), Strikes(mails=3, days=3, window_days=30))
    return Policy("test@1", rules, terms, judge or Judge())


def says(policy: Policy, kind: EventKind, reply: str = "") -> tuple[str, tuple[Action, int]]:
    ruling = policy.rule_on(make_event(kind, reply))
    return ruling.rule, (ruling.action, ruling.days)


# How rules decide.


def test_first_rule_that_matches_decides() -> None:
    policy = make_policy(
        make_rule("first", action=Action.IGNORE), make_rule("second", action=Action.BLOCK)
    )

    assert policy.rule_on(make_event()) == Ruling(Action.IGNORE, "first")


def test_what_no_rule_matches_is_ignored() -> None:
    """Doubt never blocks, not even under a policy that forgot something."""
    ruling = make_policy(make_rule()).rule_on(make_event(EventKind.SOFT_BOUNCE))

    assert (ruling.action, ruling.rule) == (Action.IGNORE, "no rule")


@pytest.mark.parametrize("kind", EventKind)
def test_policy_without_rules_ignores_everything(kind: EventKind) -> None:
    assert make_policy().rule_on(make_event(kind)).action is Action.IGNORE


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({}, True),
        ({"senders": frozenset({"shop@mail.example.org"})}, True),
        ({"senders": frozenset({"other@mail.example.org"})}, False),
        ({"from_domains": frozenset({"a.example", "mail.example.org"})}, True),
        ({"from_domains": frozenset({"example.org"})}, False),
        ({"template_ids": frozenset({"42"})}, True),
        ({"template_ids": frozenset({"4"})}, False),
        (
            {
                "senders": frozenset({"shop@mail.example.org"}),
                "template_ids": frozenset({"4"}),
            },
            False,
        ),
    ],
)
def test_every_condition_must_hold(conditions: dict[str, Any], *, matches: bool) -> None:
    event = make_event(
        sender="Shop@Mail.Example.org", from_domain="Mail.Example.ORG", template_id="42"
    )

    ruling = make_policy(make_rule(**conditions)).rule_on(event)

    assert (ruling.rule == "test") is matches


GONE_FOR_GOOD = Verdict(Reason.ADDRESS_GONE, "a", is_gone_for_good=True)
GONE_FOR_NOW = Verdict(Reason.ADDRESS_GONE, "b")
SPAM = Verdict(Reason.REPUTATION, "c")


@pytest.mark.parametrize(
    ("conditions", "verdict", "matches"),
    [
        ({"reasons": frozenset({Reason.ADDRESS_GONE})}, GONE_FOR_NOW, True),
        ({"reasons": frozenset({Reason.ADDRESS_GONE, Reason.CONTENT})}, GONE_FOR_NOW, True),
        ({"reasons": frozenset({Reason.ADDRESS_GONE})}, SPAM, False),
        ({"lasting": True}, GONE_FOR_GOOD, True),
        ({"lasting": True}, GONE_FOR_NOW, False),
        ({"lasting": False}, GONE_FOR_NOW, True),
        ({"lasting": False}, GONE_FOR_GOOD, False),
        ({"silent": True}, NO_REPLY, True),
        ({"silent": True}, SPAM, False),
    ],
)
def test_rule_may_ask_what_the_reply_says(
    conditions: dict[str, Any], verdict: Verdict, *, matches: bool
) -> None:
    policy = make_policy(make_rule(**conditions), judge=Judge(verdict))

    ruling = policy.rule_on(make_event(reply="550 reply"))

    assert ruling == (
        Ruling(Action.BLOCK, "test", verdict=verdict)
        if matches
        else Ruling(Action.IGNORE, "no rule", verdict=verdict)
    )


def test_reply_is_judged_once_for_all_rules() -> None:
    """It costs more than everything else that happens to an event."""
    judge = Judge(SPAM)
    policy = make_policy(
        make_rule("gone", reasons=frozenset({Reason.ADDRESS_GONE})),
        make_rule("lasting", lasting=True),
        make_rule("silent", silent=True),
        judge=judge,
    )

    policy.rule_on(make_event(reply="550 spam"))

    assert judge.asked == ["550 spam"]


def test_reply_is_not_judged_when_no_rule_asks() -> None:
    judge = Judge()
    elsewhere = make_rule("elsewhere", silent=True, from_domains=frozenset({"other.example"}))

    make_policy(elsewhere, make_rule(), judge=judge).rule_on(make_event(reply="550"))

    assert judge.asked == []


def test_event_that_carries_no_reply_has_none_to_judge() -> None:
    """Whatever stands in a complaint's `reason`, it is no mail server's word on the address."""
    judge = Judge(GONE_FOR_GOOD)
    rule = PolicyRule("gone", Action.BLOCK, frozenset(EventKind), lasting=True)
    complaint = make_event(EventKind.COMPLAINT, GONE)

    assert make_policy(rule, judge=judge).rule_on(complaint).action is Action.IGNORE
    assert judge.asked == []


@pytest.mark.parametrize(
    ("address", "included"),
    [
        ("ceo@example.com", True),
        ("CEO@example.com", True),
        ("cfo@example.com", False),
        ("anybody@ours.example", True),
        ("anybody@mail.ours.example", False),
        ("ours.example@example.net", False),
    ],
)
def test_protected_are_addresses_and_whole_domains(address: str, *, included: bool) -> None:
    protected = Protected(frozenset({"ceo@example.com"}), frozenset({"ours.example"}))

    assert protected.include(address) is included


def test_nobody_is_protected_by_default() -> None:
    assert not Protected().include("jane@example.com")


# What each rule of `strict` is for.


def test_complaint_blocks_for_good() -> None:
    """Another mail to somebody who pressed "spam" costs every other recipient their inbox."""
    assert says(STRICT, EventKind.COMPLAINT) == ("complaint", FOR_GOOD)


def test_dead_address_is_blocked_for_good() -> None:
    """Providers distrust whoever keeps writing to people who are not there."""
    assert says(STRICT, EventKind.HARD_BOUNCE, GONE) == ("address gone", FOR_GOOD)


@pytest.mark.parametrize("kind", [EventKind.SOFT_BOUNCE, EventKind.UNCLEAR_BOUNCE])
@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_dead_address_without_a_hard_label_is_not_blocked_at_once(
    policy: Policy, kind: EventKind
) -> None:
    """Server and Tencent are two witnesses: where they differ, a living person may be."""
    assert says(policy, kind, GONE) == ("bounced", STRIKE)


@pytest.mark.parametrize("kind", sorted(BOUNCES))
@pytest.mark.parametrize("reply", ABOUT_THE_SENDER.values(), ids=ABOUT_THE_SENDER)
@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_reply_about_the_sender_blocks_nobody(policy: Policy, reply: str, kind: EventKind) -> None:
    """One bad hour at QQ, answered with 550, would lose all our customers there for good."""
    assert says(policy, kind, reply) == ("about the sender", IGNORED)


@pytest.mark.parametrize("reply", ["", "550", "550 <jane@example.com>"])
@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_hard_label_without_a_reply_blocks_for_a_month(policy: Policy, reply: str) -> None:
    """
    Nobody says why, so it may be a dead address or a rate limit.

    Ignored, a dead one would be written to for ever; for good, a living one would never come back.
    """
    assert says(policy, EventKind.HARD_BOUNCE, reply) == ("hard without a reply", THIRTY_DAYS)


@pytest.mark.parametrize("kind", [EventKind.SOFT_BOUNCE, EventKind.UNCLEAR_BOUNCE])
def test_other_labels_without_a_reply_are_strikes(kind: EventKind) -> None:
    """Neither word nor label says that it lasts: one passing fault must not silence anybody."""
    assert says(STRICT, kind) == ("bounced", STRIKE)


@pytest.mark.parametrize("kind", sorted(BOUNCES))
@pytest.mark.parametrize("reply", [FULL, LOCKED, STRANGE], ids=["full", "locked", "strange"])
@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_what_may_pass_is_a_strike(policy: Policy, reply: str, kind: EventKind) -> None:
    """
    Blocked at once, people on holiday would be lost; never, a mailbox nobody opens is written to.

    A full mailbox is emptied, a locked account is opened, and strange words are some language's
    words for either.
    """
    assert says(policy, kind, reply) == ("bounced", STRIKE)


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_unsubscribing_blocks_nobody(policy: Policy) -> None:
    """Who is tired of the newsletter still wants the invoice and the code to log in with."""
    assert says(policy, EventKind.UNSUBSCRIBE) == ("unsubscribe", IGNORED)


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_what_tencent_dropped_blocks_nobody(policy: Policy) -> None:
    """The recipient's server was never asked; a term would renew itself by each drop."""
    assert says(policy, EventKind.DROPPED) == ("dropped", IGNORED)


# What `lenient` does otherwise.


def test_lenient_gives_a_complaint_a_month_first() -> None:
    """A slip of the thumb, or somebody else's at a shared mailbox, is no lasting wish."""
    assert says(LENIENT, EventKind.COMPLAINT) == ("complaint", THIRTY_DAYS)


def test_lenient_gives_a_dead_address_a_month_first() -> None:
    """A provider that lost its directory for an hour says "user unknown" of all its users."""
    assert says(LENIENT, EventKind.HARD_BOUNCE, GONE) == ("address gone", THIRTY_DAYS)


def test_lenient_goes_from_thirty_days_to_a_hundred_and_eighty_to_for_good() -> None:
    """Otherwise nobody would ever be blocked for good, and a dead address asked once a month."""
    assert [LENIENT.terms.next_after(days) for days in (30, 180)] == [180, 1_000_000]


def test_lenient_is_strict_in_everything_else() -> None:
    changed = {"complaint", "address gone"}

    assert _named(LENIENT.rules, but=changed) == _named(STRICT.rules, but=changed)
    assert LENIENT.terms == STRICT.terms


# The example of two streams.


def test_complaint_about_marketing_leaves_one_time_codes_alone() -> None:
    """The account's list is one: whoever is on it cannot log in any more either."""
    marketing = make_event(EventKind.COMPLAINT, from_domain="news.example.com")

    assert TWO_STREAMS.rule_on(marketing) == Ruling(Action.IGNORE, "complaint about marketing")
    assert says(TWO_STREAMS, EventKind.COMPLAINT) == ("complaint", FOR_GOOD)


def test_example_protects_somebody() -> None:
    assert TWO_STREAMS.protected.include("anybody@example.org")
    assert TWO_STREAMS.protected.include("postmaster@example.com")


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_shipped_policy_has_a_rule_for_every_event_that_reaches_it(policy: Policy) -> None:
    """`no rule` in the accounting would mean that nobody thought of it."""
    kinds = {*BOUNCES, EventKind.COMPLAINT, EventKind.UNSUBSCRIBE, EventKind.DROPPED}
    replies = ["", GONE, LOCKED, FULL, STRANGE, *ABOUT_THE_SENDER.values()]

    assert "no rule" not in {says(policy, kind, reply)[0] for kind in kinds for reply in replies}


@pytest.mark.parametrize("policy", SHIPPED.values(), ids=SHIPPED)
def test_every_shipped_rule_has_a_test(policy: Policy) -> None:
    assert {rule.name for rule in policy.rules} <= {
        *("complaint", "address gone", "about the sender", "hard without a reply", "bounced"),
        *("unsubscribe", "dropped", "complaint about marketing"),
    }


def _named(rules: Sequence[PolicyRule], *, but: set[str]) -> list[PolicyRule]:
    return [rule for rule in rules if rule.name not in but]


# The worked examples of docs/policy.md.


def noon(month: int, day: int) -> float:
    return datetime(2026, month, day, 12, tzinfo=SHANGHAI).timestamp()


def ends(policy: Policy, action: Action, *days: tuple[int, int]) -> list[date | None]:
    """Give until when an address is blocked after each of the events, each of another mail."""
    facts = [
        Fact(str(day), noon(*day), action, mail=str(day), days=30 * (action is Action.BLOCK_UNTIL))
        for day in days
    ]
    histories = [History(tuple(facts[: count + 1])) for count in range(len(facts))]
    return [history.blocked_until(policy.terms) for history in histories]


def test_full_mailbox_of_the_page() -> None:
    days = [(3, 1), (3, 5), (3, 9), (4, 20), (4, 24), (4, 28)]
    first, second = date(2026, 3, 16), date(2026, 5, 28)

    assert ends(STRICT, Action.STRIKE, *days) == [None, None, first, first, first, second]


def test_dead_address_of_the_page() -> None:
    days = [(3, 1), (4, 10), (10, 20)]

    assert ends(LENIENT, Action.BLOCK_UNTIL, *days) == [
        date(2026, 3, 31),
        date(2026, 10, 7),
        date.max,
    ]


def test_three_mails_of_one_day_are_not_enough() -> None:
    """One mailing that meets a server's bad hour is one bad hour."""
    facts = [Fact(str(n), noon(3, 1) + n, Action.STRIKE, mail=str(n)) for n in range(3)]

    assert History(tuple(facts)).blocked_until(STRICT.terms) is None
