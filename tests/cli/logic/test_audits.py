"""Who is alive: to be wrong here brings bounces back, or leaves somebody without mail."""

import pytest

from cli.adapters.judging import Judge
from cli.logic.audits import Bounced, Finding, judge, newest, sum_up
from cli.logic.providers import provider_of

JUDGE = Judge()


def found(text: str, address: str = "a@qq.com", bounced_at: str = "2026-01-01 00:00:00") -> Finding:
    return judge(Bounced(address, bounced_at, text), JUDGE.read(text))


@pytest.mark.parametrize(
    ("text", "life"),
    [
        ("550 5.1.1 user unknown", "dead"),
        ("450 4.1.1 user unknown", "unknown"),  # it may come back
        ("550 Connection frequency limited", "alive"),
        ("552 5.2.2 mailbox full", "alive"),
        ("550 5.7.26 unauthenticated", "alive"),
        ("550 words that nobody knows", "unknown"),
        ("550", "unknown"),  # Tencent's label says hard, and nothing says why
        ("", "unknown"),
    ],
)
def test_reply_tells_who_is_alive(text: str, life: str) -> None:
    assert found(text).life == life


@pytest.mark.parametrize("order", [1, -1])
def test_newest_bounce_of_an_address_counts(order: int) -> None:
    """Rescuing somebody by what was said before they died would bring the bounces back."""
    older = Bounced("a@qq.com", "2026-01-01 00:00:00", "550 Connection frequency limited")
    newer = Bounced("a@qq.com", "2026-01-02 00:00:00", "550 5.1.1 user unknown")

    assert newest([[older, newer][::order]]) == [newer]
    assert newest([[older], [newer]][::order]) == [newer]


def test_texts_that_differ_in_addresses_and_numbers_are_one() -> None:
    findings = [found(f"550 qwerty <a{n}@example.com> [{n}]", f"a{n}@qq.com") for n in range(3)]

    assert sum_up(findings).unknown_texts == [("550 qwerty … [0]", 3)]


def test_providers_are_shown_largest_first_and_the_others_last() -> None:
    addresses = ["a@example.com"] * 3 + ["a@qq.com"] + ["a@gmail.com"] * 2

    findings = [found("550", address) for address in addresses]

    assert list(sum_up(findings).by_provider) == ["Google", "QQ", "others"]


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("a@VIP.QQ.com", "QQ"),
        ("a@163.com", "NetEase"),
        ("a@not163.com", "others"),
        ("a@example.com", "others"),
        ("nobody", "others"),
    ],
)
def test_provider_is_known_by_the_whole_domain(address: str, provider: str) -> None:
    assert provider_of(address) == provider
