"""The pages name files, headings and tests: all of them exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.template import ROOT

PAGES = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
#: A file of tests, and one of its tests, with or without the class that it is in.
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::([\w:]+))?`")
GUARANTEES = ROOT / "docs" / "guarantees.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Whoever an alarm wakes follows one of them."""
    assert list(broken_links(page)) == []


def test_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `first` day, or two\n# Twice\n# Twice\n"
        "[1](#a-first-day-or-two) [2](page.md#twice-1) [3](https://example.com/x) [4](page.md)\n"
        "[5](#nowhere) [6](page.md#twice-2) [7](none.md)\n"
        "```\n[8](none.md)\n# in-code\n```\n[9](#in-code)\n"
    )

    assert list(broken_links(page)) == ["#nowhere", "page.md#twice-2", "none.md", "#in-code"]


def test_every_test_that_holds_a_promise_exists() -> None:
    """A promise whose test was renamed away is held by nothing."""
    named = TEST.findall(GUARANTEES.read_text(encoding="utf-8"))

    assert len(named) > 20
    assert [f"{path}::{name}" for path, name in named if not exists(path, name)] == []


def test_test_that_does_not_exist_is_found() -> None:
    this = "tests/test_docs.py"

    assert exists(this, "")
    assert exists(this, "test_test_that_does_not_exist_is_found")
    assert not exists(this, "test_that_nobody_wrote")
    assert not exists("tests/test_that_nobody_wrote.py", "")


def broken_links(page: Path) -> Iterator[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        name, _, anchor = link.partition("#")
        if re.match(r"\w+:", link):
            continue
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def anchors(page: Path) -> set[str]:
    """Give them as GitHub makes them: the second heading of one name ends in -1."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        anchor = re.sub(r"[^\w\- ]", "", LINK.sub("]", heading).lower()).replace(" ", "-")
        number = sum(one.rpartition("-")[0] == anchor for one in found)
        found.add(f"{anchor}-{number + 1}" if anchor in found else anchor)
    return found


def exists(path: str, name: str) -> bool:
    """Tell whether there is such a file, and in it such a test, of whichever class or none."""
    file = ROOT / path
    if not file.is_file():
        return False
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = {node.id for node in nodes if isinstance(node, ast.Name)}
    return set(filter(None, name.split("::"))) <= defined | assigned
