"""The rules as text, and what is wrong with it."""

import pytest

from functions.blocklist.adapters.rules import (
    load_classifier,
    read_rules,
    read_sets,
    read_user_rules,
)
from functions.blocklist.domain.reasons import Reason, Rule


def test_line_is_a_rule() -> None:
    text = "# why\n\naddress_gone for now | qq | 550, 5.1 | mailbox frozen | our mail\n"

    assert read_rules(text, origin="test") == (
        Rule(
            "qq",
            "mailbox frozen",
            Reason.ADDRESS_GONE,
            "our mail",
            codes=("550", "5.1"),
            lasting=False,
            name="mailbox frozen",
        ),
    )


def test_set_stands_for_its_words() -> None:
    assert read_sets("{who} = user, mail box, @, ", origin="test") == {
        "{who}": "(user/mail box/@/)"
    }


def test_user_may_use_our_sets() -> None:
    classifier = load_classifier(
        read_user_rules("policy | any | | {who} on strike | ours", origin="mine")
    )

    assert classifier.classify("recipient on strike").reason is Reason.POLICY


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("policy | any | | hello", "4 columns, not 5"),
        (
            "nonsense | any | | hello | test",
            "'nonsense' is no reason; one of address_gone, mailbox_full,",
        ),
        ("policy | any | | | test", "needs words or a code"),
        ("policy | any | | (a/) | test", "needs words that cannot be left out"),
        ("policy | any | | once | test", "stands there twice"),
        ("policy | any | | {nobody} once | test", "{nobody} is no set"),
        ("policy | any | | (once | test", "brackets"),
        ("{who} user", "a set needs a '='"),
    ],
)
def test_what_is_no_rule_is_named_by_its_line(line: str, complaint: str) -> None:
    text = f"policy | any | | once | test\n{line}"

    with pytest.raises(ValueError, match=r"^mine\.txt, line 2: ") as raised:
        read_rules(text, origin="mine.txt")

    assert complaint in str(raised.value)


def test_users_mistake_is_named_by_its_origin() -> None:
    with pytest.raises(ValueError, match=r"^mine, line 1: "):
        read_user_rules("hello", origin="mine")
