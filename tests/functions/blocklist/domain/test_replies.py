"""What is left of a reply once everything that is noise is gone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.replies import (
    ADDRESS,
    KEPT_CHARACTERS,
    MAX_CHARACTERS,
    read_reply,
    redact,
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


#: What may stand in a reply around what must not be kept of it.
around = st.text(st.sampled_from("ab \n\t.,:;<>()[]\"'-_/@\u20260159é"), max_size=20)
#: Long enough not to be a part of an ordinary word by chance.
local_parts = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{3,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("550 5.1.1 <Jane.Doe@Example.com>: unknown", "550 5.1.1 …: unknown"),
        ("550 mailbox jane.doe not found", "550 mailbox … not found"),
        ("550 jane.d\r\noe not found", "550 … not found"),
        ("550 jane.d\noe@exam", "550 …"),
        ("550 no such user jane.d", "550 no such user …"),
        ("550 no such user <jane.d", "550 no such user …"),
        ('to "john smith"@example.org or a\uff20b', "to … or …"),
        ("jane.doer, mary-jane.doe, jane.doe", "jane.doer, mary-…, …"),
        ("see https://example.com/u/jane.doe?a=b now", "see https://example.com now"),
        ("a\0b\x1b[0m\r\n  c\ud800", "a b [0m c"),
        ("", ""),
    ],
)
def test_people_are_left_out_of_what_is_kept_of_a_reply(text: str, kept: str) -> None:
    """Whoever is erased must not live on in the words of a mail server."""
    assert redact(text, "jane.doe@example.com") == kept


@given(anything, st.text(max_size=70))
def test_kept_reply_holds_no_address(text: str, recipient: str) -> None:
    kept = redact(text, recipient)

    assert not set(kept) & set("@\uff20\ufe6b")
    assert not {unicodedata.category(character) for character in kept} & {"Cc", "Cs"}
    assert len(kept) <= KEPT_CHARACTERS


@given(around, local_parts, around, st.integers(0, 64), st.sampled_from(["", "\n", "\r\n "]))
def test_recipient_is_not_kept_by_the_local_part_alone(
    before: str, local_part: str, after: str, place: int, gap: str
) -> None:
    """Servers name a mailbox without its domain, and Tencent breaks lines where it likes."""
    broken = local_part[:place] + gap + local_part[place:]

    kept = redact(f"{before} {broken} {after}", f"{local_part}@example.com")

    squeezed = f" {kept} ".lower()
    assert f" {local_part.lower()} " not in squeezed
