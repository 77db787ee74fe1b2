"""docs/operations.md: each alarm has its paragraph there, and each paragraph says all it should."""

import re
from pathlib import Path

import pytest

from infra.template import ROOT
from tests.infra.compiled import Template
from tests.infra.test_alarms import alarms

RUNBOOK = Path("docs", "operations.md")
#: What each paragraph says, in this order.
PARTS = ("**Means.**", "**Look.**", "**Do.**", "**Over**")


def paragraphs() -> dict[str, str]:
    """Return the runbook's paragraphs on alarms by their anchors."""
    text = (ROOT / RUNBOOK).read_text()
    [part] = re.findall(r"^## When an alarm rings$(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^### (.+?)$(.*?)(?=^### |\Z)", part, re.DOTALL | re.MULTILINE)
    return {_anchor(title): body for title, body in found}


def _anchor(title: str) -> str:
    """Do what GitHub and GitLab do with a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_runbook_and_alarms_know_each_other(loud: Template) -> None:
    """Somebody who is woken up follows the link; a paragraph without an alarm is never read."""
    linked = {}
    for name, properties in alarms(loud).items():
        text, _, anchor = properties["AlarmDescription"].partition(f"{RUNBOOK.as_posix()}#")
        assert text.strip(), name
        linked[name] = anchor

    assert set(linked.values()) == set(paragraphs())


@pytest.mark.parametrize("anchor", paragraphs())
def test_paragraph_says_all_that_is_needed(anchor: str) -> None:
    """What it means, how to look, what to do, how to know that it is over."""
    body = paragraphs()[anchor]

    positions = [body.find(part) for part in PARTS]
    assert min(positions) >= 0
    assert positions == sorted(positions)
    assert all(body.count(part) == 1 for part in PARTS)


def test_paragraph_names_its_alarms(loud: Template) -> None:
    """The mail says the alarm's name: who searches for it must find it."""
    first_lines = {anchor: body.strip().splitlines()[0] for anchor, body in paragraphs().items()}

    for name, properties in alarms(loud).items():
        anchor = properties["AlarmDescription"].rpartition("#")[2]
        word = "DeadLetters-" if name.startswith("DeadLetters-") else name
        assert f"`{word}" in first_lines[anchor], name
