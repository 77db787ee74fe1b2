"""`classify` says the same as the pipeline, to people and to programs."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.cli.running import run

GONE = "550 5.1.1 user unknown"
FULL = "552 5.2.2 mailbox full"
LIMITED = "550 Connection frequency limited"


def test_reply_is_told_with_reason_rule_and_decision() -> None:
    ran = run("classify", LIMITED)

    assert ran.out == dedent(
        """\
        reason    rate_limited
        rule      qq: frequency limited
        decision  ignore
        """
    )
    assert ran.code == 0


@pytest.mark.parametrize(
    ("text", "event", "label", "decision"),
    [
        (GONE, "bounce", "hard_bounce", "block"),
        (GONE, "bounce", "hard", "block"),
        ("450 4.1.1 user unknown", "bounce", "hard_bounce", "strike"),
        (FULL, "bounce", "hard_bounce", "strike"),
        ("550 gibberish nobody knows", "bounce", "hard_bounce", "strike"),
        ("", "bounce", "hard_bounce", "block_until"),
        ("550", "bounce", "hard_bounce", "block_until"),
        (LIMITED, "bounce", "hard_bounce", "ignore"),
        ("550 5.7.26 unauthenticated", "bounce", "hard_bounce", "ignore"),
        ("", "bounce", "soft_bounce", "strike"),
        (GONE, "bounce", "soft_bounce", "strike"),
        ("", "bounce", "", "strike"),
        ("", "spamreport", "", "block"),
        (GONE, "unsubscribe", "", "ignore"),
        (GONE, "dropped", "", "ignore"),
        (GONE, " Bounce", "HARD_BOUNCE", "block"),
    ],
)
def test_default_policy_decides(text: str, event: str, label: str, decision: str) -> None:
    """What is shown here is what would happen to a person."""
    ran = run("classify", "--json", "--event", event, "--label", label, text)

    assert ran.json["decision"] == decision


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--event", "bouncce"), "'bouncce' is no event that Tencent documents."),
        (("--event", ""), "'' is no event that Tencent documents."),
        (("--label", "hard-bounce"), "'hard-bounce' is no label that Tencent documents."),
    ],
)
@pytest.mark.parametrize("what", [(GONE,), ("--file", "-")])
def test_name_that_is_mistyped_is_not_judged(
    what: tuple[str, ...], option: tuple[str, str], told: str
) -> None:
    """Who mistypes `hard_bounce` would be told that the policy strikes where it blocks."""
    ran = run("classify", "--json", *what, *option, answer='{"text": ""}')

    assert (ran.out, ran.code) == ("", 2)
    assert told in ran.err
    assert "It is one of" in ran.err
    assert ("hard_bounce, hard, soft_bounce" if "label" in told else "bounce, spam") in ran.err


@pytest.mark.parametrize(
    ("row", "decision"),
    [
        ({"text": GONE, "event": "no such event"}, "ignore"),
        ({"text": GONE, "event": ""}, "ignore"),
        ({"text": GONE, "label": "no such label"}, "strike"),
        ({"text": GONE, "label": ""}, "strike"),
        ({"text": "550 cut \ud83d here", "label": "hard_bounce"}, "strike"),
    ],
)
def test_line_of_a_file_may_say_anything_that_the_pipeline_might_hear(
    row: dict[str, str], decision: str
) -> None:
    """Recorded callbacks hold what nobody documents; each is decided as it was, the next too."""
    lines = "\n".join(map(json.dumps, (row, {"text": GONE})))

    ran = run("classify", "--json", "--file", "-", answer=lines)

    assert ([line["decision"] for line in ran.json_lines], ran.code) == ([decision, "block"], 0)


def test_file_is_judged_line_by_line(tmp_path: Path) -> None:
    """Programs pair the answers with their lines, so there is one for each, in their order."""
    file = tmp_path / "replies.jsonl"
    rows = [{"text": LIMITED}, {"text": FULL}, {"text": "", "event": "spamreport", "label": ""}]
    file.write_text("\n".join(map(json.dumps, rows)))

    ran = run("classify", "--json", "--file", str(file))

    assert ran.json_lines == [
        {"reason": "rate_limited", "rule": "qq: frequency limited", "decision": "ignore"},
        {"reason": "mailbox_full", "rule": "any: * [5.2.2, 4.2.2]", "decision": "strike"},
        {"reason": "unknown", "rule": "no rule", "decision": "block"},
    ]


def test_standard_input_is_a_file_too() -> None:
    ran = run("classify", "--json", "--file", "-", answer=json.dumps({"text": GONE}) + "\n")

    assert [line["reason"] for line in ran.json_lines] == ["address_gone"]


def test_people_get_counts_of_a_file() -> None:
    ran = run("classify", "--file", "-", answer='{"text": "550 5.1.1 user unknown"}\n' * 1200)

    assert ran.out.splitlines() == [
        "reason        decision  replies",
        "address_gone  block       1,200",
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('{"text": "a"}\n\n[]', "-, line 3: not a JSON object."),
        ("nonsense", "-, line 1: not a JSON object."),
        ('{"text": 3}', '-, line 1: "text" must be there, and be text.'),
        ('{"event": "bounce"}', '-, line 1: "text" must be there, and be text.'),
        ('{"text": "", "label": null}', '-, line 1: "label" must be there, and be text.'),
    ],
)
def test_mistake_in_a_file_names_its_line(lines: str, problem: str) -> None:
    ran = run("classify", "--json", "--file", "-", answer=lines)

    assert problem in ran.err
    assert ran.code == 2


@pytest.mark.parametrize("arguments", [(), ("text", "--file", "-")])
def test_either_a_text_or_a_file_is_judged(arguments: tuple[str, ...]) -> None:
    ran = run("classify", *arguments)

    assert "Give either a text or --file FILE." in ran.err
    assert ran.code == 2


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run("classify", "--file", str(tmp_path / "missing"))

    assert "missing cannot be read: No such file or directory." in ran.err
    assert ran.code == 2
