"""What is left of a reply once everything that is noise is gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.replies import (
    ADDRESS,
    MAX_CHARACTERS,
    read_reply,
    without_addresses,
    wording,
)

anything = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Over-quota", "overquota"),
        ("over\r\n550-5.2.2 QUOTA", "overquota"),
        ("boîte pleine", "boitepleine"),
        ("doesn't exist", "doesnotexist"),
        ("doesn\u2019t exist", "doesnotexist"),
        ("<jane@example.com>: unknown", f"{ADDRESS}unknown"),
        ("RCPT TO:<no.such\nuser@example.com> ok", f"rcptto{ADDRESS}ok"),
        ("to jane@example.com, unknown", f"to{ADDRESS}unknown"),
        ("unknown: <no-such-us", f"unknown{ADDRESS}"),
        ("see https://example.com/user/unknown?a=b now", "seehttpsexamplecomnow"),
        ("用户 不存在\uff01", "用户不存在"),
        ("", ""),
    ],
)
def test_only_letters_and_addresses_are_left(text: str, letters: str) -> None:
    assert wording(text) == letters


@pytest.mark.parametrize(
    ("text", "enhanced", "code"),
    [
        ("550 5.1.1 unknown", "5.1.1", "550"),
        ("550-5.1.1 unknown", "5.1.1", "550"),
        ("unknown (#5.1.1)", "5.1.1", ""),
        ("from 5.1.1.9 and 192.5.1.1: 5.7.26", "5.7.26", ""),
        ("id 15501 at 550", "", "550"),
        ("hello", "", ""),
    ],
)
def test_first_codes_are_found_and_ip_addresses_are_none(
    text: str, enhanced: str, code: str
) -> None:
    reply = read_reply(text)

    assert (reply.enhanced, reply.code) == (enhanced, code)


@pytest.mark.parametrize(
    ("text", "is_temporary"),
    [
        ("450 unknown", True),
        ("unknown (#4.1.1)", True),
        ("550 5.1.1 unknown, said 4.1.1", True),
        ("550 5.1.1 unknown", False),
        ("unknown", False),
    ],
)
def test_any_temporary_code_makes_a_reply_temporary(text: str, is_temporary: bool) -> None:  # noqa: FBT001
    assert read_reply(text).is_temporary is is_temporary


@given(anything)
def test_any_text_is_read(text: str) -> None:
    reply = read_reply(text)

    assert len(reply.enhanced) <= len(text)


def test_what_stands_far_behind_is_not_read() -> None:
    """A callback may hold a novel; the work for it is bounded."""
    assert read_reply("a" * MAX_CHARACTERS + "b").wording == "a" * MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 <jane.doe@example.com>: gone", "550 <address>: gone"),
        ("550 jane.doe@example.com\r\n550 is unknown ", "550 <address> 550 is unknown"),
        ("550 <jane.doe@exam", "550 <address>"),
        ("550 no such user", "550 no such user"),
    ],
)
def test_texts_are_shown_without_addresses(text: str, shown: str) -> None:
    """They are shown, sent around and pasted into tickets."""
    assert without_addresses(text) == shown
