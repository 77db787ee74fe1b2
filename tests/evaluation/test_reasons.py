"""How well the rules judge replies that others collected."""

from collections.abc import Callable, Sequence

import pytest

from functions.blocklist.adapters.rules import OUR_RULES, load_classifier, read_rules
from functions.blocklist.domain.reasons import Reason, Rule
from tests.evaluation.reasons import (
    FORMS,
    REPLIES,
    LabelledReply,
    any_5_1,
    any_5xx,
    main,
    our_policy,
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
    assert score(read_replies(), our_policy(), form=form).wrong == ()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_few_blocks_are_missed(form: Callable[[str], str]) -> None:
    found = score(read_replies(), our_policy(), form=form)

    assert len(found.missed) < found.gone * 0.05


def test_plain_rules_do_worse() -> None:
    rows = read_replies()

    assert len(score(rows, any_5xx, form=str).wrong) > 100
    assert len(score(rows, any_5_1, form=str).wrong) > 10
    assert len(score(rows, any_5_1, form=str).missed) > 10


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


def test_command_prints_both_figures(capsys: pytest.CaptureFixture[str]) -> None:
    main([])

    assert "missed blocks" in capsys.readouterr().out
    main([str(REPLIES)])
    assert "without borderline" in capsys.readouterr().out
