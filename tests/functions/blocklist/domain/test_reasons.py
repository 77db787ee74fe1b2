"""Which reply blocks, and which never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters.rules import load_classifier, read_rules, read_user_rules
from functions.blocklist.domain.reasons import MAX_GAP_LETTERS, Classifier, Reason, Rule
from functions.blocklist.domain.replies import Reply

CLASSIFIER = load_classifier()

GONE_WORDS = "550 5.1.1 The email account that you tried to reach does not exist."
LIVING_WORDS = "550 5.1.1 User unknown or mailbox over quota"

anything = st.text(st.characters(exclude_categories=()))


def make_rule(
    pattern: str = "user unknown",
    reason: Reason = Reason.ADDRESS_GONE,
    *,
    codes: tuple[str, ...] = (),
    lasting: bool = True,
) -> Rule:
    return Rule("any", pattern, reason, "test", codes=codes, lasting=lasting)


def judge(text: str, *rules: Rule) -> Reason:
    return Classifier(rules).classify(text).reason


def blocks(text: str, *rules: Rule) -> bool:
    return Classifier(rules).classify(text).is_gone_for_good


@pytest.mark.parametrize(
    "text", ["User unknown", "user\nunknown", "USER-UNKNOWN!", "the user unknown"]
)
def test_spaces_case_and_punctuation_do_not_count(text: str) -> None:
    assert blocks(text, make_rule())


def test_brackets_hold_one_of_several() -> None:
    rule = make_rule("(user/mailbox) (is /)unknown")

    assert blocks("mailbox is unknown", rule)
    assert blocks("user unknown", rule)
    assert not blocks("list unknown", rule)


def test_gap_ends_somewhere() -> None:
    """Two words at the two ends of a long reply have nothing to do with each other."""
    rule = make_rule("user...unknown")

    assert blocks(f"user {'x' * MAX_GAP_LETTERS} unknown", rule)
    assert not blocks(f"user {'x' * (MAX_GAP_LETTERS + 1)} unknown", rule)


def test_at_sign_is_an_address() -> None:
    assert blocks("user <jane@example.com> unknown", make_rule("user @ unknown"))
    assert not blocks("user jane unknown", make_rule("user @ unknown"))


@pytest.mark.parametrize("pattern", ["", "*", "(a/)", "...", "!"])
def test_rule_without_words_or_codes_is_none(pattern: str) -> None:
    with pytest.raises(ValueError, match="needs words"):
        make_rule(pattern)


def test_first_rule_wins() -> None:
    policy = make_rule("unknown", Reason.POLICY)

    assert judge("user unknown", policy, make_rule()) is Reason.POLICY
    assert judge("user unknown", make_rule(), policy) is Reason.ADDRESS_GONE


def test_short_words_are_found() -> None:
    assert judge("邮箱满", make_rule("满", Reason.MAILBOX_FULL)) is Reason.MAILBOX_FULL


@pytest.mark.parametrize(
    ("codes", "matches"),
    [
        (("550",), True),
        (("5.1.1",), True),
        (("5.1",), True),
        (("550 5.1.1",), True),
        (("5.7",), False),
    ],
)
def test_words_may_count_beside_some_codes_only(codes: tuple[str, ...], matches: bool) -> None:  # noqa: FBT001
    assert blocks("550 5.1.1 user unknown", make_rule(codes=codes)) is matches


def test_code_may_decide_before_any_words() -> None:
    sender = make_rule("*", Reason.POLICY, codes=("5.1.8",))

    assert judge("5.1.8 user unknown", sender, make_rule()) is Reason.POLICY
    assert judge("5.1.1 user unknown", sender, make_rule()) is Reason.ADDRESS_GONE


def test_code_decides_last_where_no_words_did() -> None:
    enhanced = make_rule("", Reason.MAILBOX_FULL, codes=("5.2.2",))
    plain = make_rule("", Reason.NETWORK, codes=("550",))

    assert judge("550 5.2.2 strange words", plain, enhanced) is Reason.MAILBOX_FULL
    assert judge("550 strange words", plain, enhanced) is Reason.NETWORK
    assert judge("550 5.2.2 user unknown", plain, enhanced, make_rule()) is Reason.ADDRESS_GONE


def test_code_never_blocks_beside_words_that_nobody_knows() -> None:
    """They may be any language's words for a full mailbox."""
    rule = make_rule("", codes=("5.1.1",))

    assert blocks("550 5.1.1 <jane@example.com>", rule)
    assert not blocks("550 5.1.1 <jane@example.com> pilns", rule)


@pytest.mark.parametrize(
    "text", ["450 user unknown", "user unknown (#4.1.1)", "550 4.1.1 user unknown"]
)
def test_temporary_reply_never_blocks(text: str) -> None:
    assert judge(text, make_rule()) is Reason.ADDRESS_GONE
    assert not blocks(text, make_rule())


def test_temporary_reply_blocks_when_a_rule_asks_for_its_code() -> None:
    assert blocks("451 user unknown", make_rule(codes=("451",)))


def test_account_that_may_come_back_is_not_blocked() -> None:
    verdict = Classifier([make_rule("suspended", lasting=False)]).classify("suspended")

    assert verdict.reason is Reason.ADDRESS_GONE
    assert not verdict.is_gone_for_good


def test_verdict_names_its_rule() -> None:
    verdict = Classifier([make_rule(codes=("550",))]).classify("550 user unknown")

    assert verdict.rule == "any: user unknown [550]"


@pytest.mark.parametrize("text", ["", "  ", "550", "550 <jane@example.com>"])
def test_reply_without_words_and_without_a_code_that_tells_is_silent(text: str) -> None:
    verdict = CLASSIFIER.classify(text)

    assert verdict.is_silent
    assert (verdict.reason, verdict.rule) == (Reason.UNKNOWN, "no rule")


@pytest.mark.parametrize("text", ["550 strange words", "451", "550 5.1.1", "550 spam"])
def test_reply_that_says_anything_is_not_silent(text: str) -> None:
    assert not CLASSIFIER.classify(text).is_silent


def test_verdict_carries_the_codes_of_the_reply() -> None:
    verdict = CLASSIFIER.classify("550 5.1.1 user unknown")

    assert (verdict.code, verdict.enhanced) == ("550", "5.1.1")


def test_same_reply_is_judged_once_for_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def matches(rule: Rule, _: Reply) -> bool:
        judged.append(rule.id)
        return True

    monkeypatch.setattr(Rule, "matches", matches)
    classifier = Classifier([make_rule()])

    for name in ("jane", "joe", "jane"):
        classifier.classify(f"<{name}@example.com> user unknown")

    assert judged == ["any: user unknown"]


def test_users_rules_come_first() -> None:
    theirs = "policy | any | | mailbox not found | our partner says so to strangers"

    assert load_classifier().classify("550 Mailbox not found").is_gone_for_good
    verdict = load_classifier(read_user_rules(theirs, origin="test")).classify(
        "550 Mailbox not found"
    )
    assert verdict.reason is Reason.POLICY
    assert not verdict.is_gone_for_good


def test_users_code_comes_before_ours() -> None:
    theirs = "content | any | 5.1.1 | | here it means something else"

    assert (
        load_classifier(read_user_rules(theirs, origin="test")).classify("550 5.1.1").reason
        is Reason.CONTENT
    )


@pytest.mark.parametrize(
    "hint",
    [
        *("mailbox full", "over quota", "frequency limited", "too many connections", "greylisted"),
        *("spam", "blacklisted", "poor reputation", "SPF", "DKIM", "DMARC", "relaying", "denied"),
        *("policy", "try again later", "timed out", "temporarily", "sender", "suspended", "locked"),
        *("frozen", "邮箱已满", "频率", "垃圾邮件", "黑名单", "发件人", "冻结", "稍后"),
        *("message sending", "your account", "you do not have", "mail from outside", "callout"),
        *("many of your recipients", "您的账号", "votre compte", "su cuenta", "Ihr Konto", "ваш"),
        *("受信拒否", "発信者", "발신자", "발신 거부", "寄件者", "currently disabled", "migrated"),
    ],
)
@pytest.mark.parametrize("gone", ["user unknown", "mailbox not found", "用户不存在"])
def test_hint_at_another_cause_wins(hint: str, gone: str) -> None:
    """A wrong block loses a living recipient; a missed one costs a few mails."""
    assert CLASSIFIER.classify(f"550 5.1.1 {gone}").is_gone_for_good
    assert not CLASSIFIER.classify(f"550 5.1.1 {gone}; {hint}").is_gone_for_good
    assert not CLASSIFIER.classify(f"550 5.1.1 {hint}: {gone}").is_gone_for_good


def test_name_of_an_address_says_nothing() -> None:
    """Anybody may call a mailbox no-such-user, or spam."""
    assert not CLASSIFIER.classify("550 <no-such-user@example.com> hm").is_gone_for_good
    assert CLASSIFIER.classify("550 <spam@example.com> user unknown").is_gone_for_good
    assert not CLASSIFIER.classify("550 hm, see http://example.com/#userunknown").rule.startswith(
        "any: {who}"
    )


@given(anything)
def test_any_text_is_judged(text: str) -> None:
    assert CLASSIFIER.classify(text).reason in Reason


@given(st.data(), st.sampled_from([GONE_WORDS, LIVING_WORDS]))
def test_line_break_and_case_anywhere_in_the_words_change_nothing(
    data: st.DataObject, text: str
) -> None:
    place = data.draw(st.integers(min_value=len("550 5.1.1 "), max_value=len(text)))
    line_break = data.draw(st.sampled_from(["\n", "\r\n", "  ", "\n5.1.1 ", "\n550-5.1.1 ", "\t"]))
    broken = data.draw(st.sampled_from([str.upper, str.lower, str.title]))(text)
    broken = broken[:place] + line_break + broken[place:]

    assert CLASSIFIER.classify(broken) == CLASSIFIER.classify(text)


@given(st.integers(min_value=len(GONE_WORDS)))
def test_cut_behind_the_deciding_words_changes_nothing(length: int) -> None:
    text = f"{GONE_WORDS} Please double-check it for typos, or visit https://example.com/help"

    assert CLASSIFIER.classify(text[:length]) == CLASSIFIER.classify(text)


def test_our_rules_read_as_they_are_written() -> None:
    [rule] = read_rules("{it} = a, b\npolicy | any | 550 | {it} list | test", origin="test")

    assert (rule.pattern, rule.id) == ("(a/b) list", "any: {it} list [550]")
