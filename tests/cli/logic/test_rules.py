"""What people read of a rule's name."""

import pytest

from cli.logic.rules import MAX_CHARACTERS, shown_rule


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("no rule", "no rule"),
        ("qq: frequency limited", "qq: frequency limited"),
        ("any: * [5.2.2, 4.2.2]", "any: * [5.2.2, 4.2.2]"),
        (
            "any: {who} {is} (unknown/not known/non exist/not existing/never existed)",
            "any: who is unknown/not known/...",
        ),
        ("any: (no/unknown) {who}", "any: no/unknown who"),
    ],
)
def test_rule_is_short_and_says_where_it_stands(rule: str, shown: str) -> None:
    """At 3 a.m. nobody reads twenty ways to say that somebody is unknown."""
    assert shown_rule(rule) == shown


def test_no_rule_is_longer_than_a_line() -> None:
    assert len(shown_rule("any: " + "word " * 100)) <= MAX_CHARACTERS
