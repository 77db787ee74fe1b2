"""How well the default policy judges replies that others collected."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from functions.blocklist.adapters.rules import OUR_RULES, load_classifier, read_rules
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.reasons import Reason, Rule
from tests.evaluation.reasons import (
    FORMS,
    REPLIES,
    LabelledReply,
    by_5_1,
    by_5xx,
    by_policy,
    main,
    read_replies,
    score,
    upper_bound,
)

DOCUMENTED = REPLIES.with_name("documented_replies.txt")
COVERED = {
    *("qq", "netease", "sina", "aliyun", "tencent", "google", "microsoft", "yahoo", "apple"),
    *("comcast", "orange", "yandex", "mailru"),
}
CLASSIFIER = load_classifier()
RULES = read_rules(OUR_RULES.read_text(encoding="utf-8"), origin=OUR_RULES.name)


def documented_replies() -> Sequence[LabelledReply]:
    lines = DOCUMENTED.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ", maxsplit=3) for line in lines if not line.startswith("#")]
    return [
        LabelledReply(
            text.replace("\\n", "\n"), reason, block_now == "gone", "documented", provider
        )
        for reason, block_now, provider, text in rows
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_nobody_is_blocked_wrongly(form: Callable[[str], str]) -> None:
    assert score(read_replies(), by_policy(), form=form).wrong == ()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_few_blocks_are_missed(form: Callable[[str], str]) -> None:
    found = score(read_replies(), by_policy(), form=form)

    assert len(found.missed) < found.gone * 0.05


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_other_policies_block_the_same_replies(form: Callable[[str], str]) -> None:
    """They differ in how long, and in whose mail."""
    for name in ("lenient.toml", "two-streams.toml"):
        found = score(read_replies(), by_policy(name), form=form)

        assert (found.wrong, len(found.missed)) == ((), 0)


def test_reply_that_says_nothing_is_not_among_the_figures() -> None:
    """It is blocked for a month, whoever it is: that is the label's word, not the reply's."""
    decisions = score(read_replies(), by_policy(), form=str).decisions

    assert Action.BLOCK_UNTIL not in {action for action, _ in decisions}


def test_rows_are_counted_by_decision() -> None:
    dead = LabelledReply("550 no such user", "address_gone", block_now=True, source="test")
    full = LabelledReply("552 mailbox full", "mailbox_full", block_now=False, source="test")
    spam = LabelledReply("550 spam", "reputation", block_now=False, source="test")

    found = score([dead, full, spam, spam], by_policy(), form=str)

    assert found.decisions == {
        (Action.BLOCK, True): 1,
        (Action.STRIKE, False): 1,
        (Action.IGNORE, False): 2,
    }
    assert (found.gone, found.living) == (1, 3)


def test_block_for_a_month_can_be_wrong_too() -> None:
    """A living recipient hears nothing in that time."""
    living = LabelledReply("550", "unknown", block_now=False, source="test")
    gone = LabelledReply("550", "address_gone", block_now=True, source="test")

    found = score([living, gone], by_policy(), form=str)

    assert (found.wrong, found.missed) == ((living,), ())


def test_plain_rules_do_worse() -> None:
    rows = read_replies()

    assert len(score(rows, by_5xx, form=str).wrong) > 100
    assert len(score(rows, by_5_1, form=str).wrong) > 10
    assert len(score(rows, by_5_1, form=str).missed) > 10


@pytest.mark.parametrize("row", documented_replies(), ids=lambda row: row.text)
def test_documented_reply_is_judged_as_written_down(row: LabelledReply) -> None:
    verdict = CLASSIFIER.classify(row.text)

    assert (verdict.reason, verdict.is_gone_for_good) == (row.reason, row.block_now)


def test_reasons_are_mostly_right() -> None:
    """The reason is told to people, so it should be right; only the block is never wrong."""
    rows = read_replies()
    classify = CLASSIFIER.classify
    right = sum(classify(row.text).reason == row.reason for row in rows)

    assert right >= 0.9 * len(rows)


@pytest.mark.parametrize("provider", sorted(COVERED))
def test_covered_provider_has_an_example_in_each_direction(provider: str) -> None:
    rows = [*read_replies(), *documented_replies()]

    assert {row.block_now for row in rows if row.provider == provider} == {True, False}


@pytest.fixture(scope="module")
def decided() -> set[str]:
    texts = [row.text for row in (*read_replies(), *documented_replies())]
    return {CLASSIFIER.classify(text).rule for text in texts}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_decides_something(rule: Rule, decided: set[str]) -> None:
    """A rule that nothing needs is a risk without a use."""
    assert rule.id in decided


def test_rows_are_ours_to_carry() -> None:
    """Others are under licences that do not let us pass them on, or under none."""
    assert {row.source for row in read_replies()} == {
        *("smtp-field-manual", "sisimai-emails", "sisimai-rhost", "sisimai-rhost-table"),
        *("sisimai-tests", "kumomta-rules", "postalsys-tests", "php-bounce-handler"),
    }
    assert {row.reason for row in read_replies()} == set(Reason)


def test_no_whole_reply_is_a_pattern() -> None:
    replies = {row.text.casefold().strip(" .") for row in read_replies() if len(row.text) > 40}

    assert not replies & {rule.pattern.casefold() for rule in RULES}


def test_bound_of_nothing_seen_is_the_rule_of_three() -> None:
    assert upper_bound(0, 300) == pytest.approx(3 / 300, rel=0.01)
    assert upper_bound(5, 100) == pytest.approx(0.1023, abs=0.0005)
    assert upper_bound(3, 3) == 1.0


def test_command_prints_the_figures_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        LabelledReply("550 no such user", "address_gone", block_now=False, source="test"),
        LabelledReply("550 hm", "address_gone", block_now=True, source="test", code=550),
    ]
    file = tmp_path / "replies.jsonl"
    file.write_bytes(b"\n\n".join(map(msgspec.json.encode, rows)))

    main([str(file)])

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:6] == ["all", "rows", "2", "whole", "policy", "1/1"]
    assert [line.split() for line in lines if line.startswith(("block ", "strike "))] == [
        ["block", "1", "0", "1", "0"],
        ["strike", "1", "1", "1", "1"],
    ]
    assert "wrong, whole: 550 no such user" in lines
    assert "missed, cut: 550 hm" in lines


def test_command_prints_the_figures_of_the_carried_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([])

    assert "all rows                   483 whole policy" in capsys.readouterr().out
