"""Policies as TOML: what they say, how they are laid over one another, and what mistakes say."""

import re
from pathlib import Path

import pytest

from functions.blocklist.adapters import policies
from functions.blocklist.adapters.policies import POLICIES, PolicyError, load_policy
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import Action, Policy, PolicyRule
from functions.blocklist.domain.reasons import Reason
from functions.blocklist.domain.terms import Strikes, Terms

PAGE = (Path(__file__).parents[4] / "docs" / "policy.md").read_text(encoding="utf-8")
#: Seven lines, so what a test writes below begins on line 8.
NUMBERS = """\
[terms]
days = [7, 30]
[strikes]
mails = 3
days = 2
window_days = 30

"""
#: Three lines; what follows is on line 11.
RULE = """\
[[rules]]
name = "mine"
event = "hard_bounce"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, text: str, *, name: str = "mine.toml") -> Policy:
    (folder / name).write_text(text, encoding="utf-8")
    return load_policy(name, folder=folder)


def names(policy: Policy) -> list[str]:
    return [rule.name for rule in policy.rules]


def test_file_says_what_a_policy_is(folder: Path) -> None:
    policy = load(
        folder,
        NUMBERS
        + """
[protect]
addresses = ["CEO@Example.com"]
domains = ["MÜNCHEN.example"]

[[rules]]
name = "everything"
event = ["hard_bounce", "soft_bounce"]
reason = ["address_gone", "mailbox_full"]
lasting = true
reply = "silent"
from = "Shop@Mail.Example.org"
from_domain = ["News.Example.org", " mail.example.org "]
template_id = [42, "a7"]
then = "block_until"
days = 30

[[rules]]
name = "little"
event = "dropped"
then = "ignore"
""",
    )

    assert policy.terms == Terms((7, 30), Strikes(mails=3, days=2, window_days=30))
    assert policy.rules == (
        PolicyRule(
            "everything",
            Action.BLOCK_UNTIL,
            frozenset({EventKind.HARD_BOUNCE, EventKind.SOFT_BOUNCE}),
            days=30,
            reasons=frozenset({Reason.ADDRESS_GONE, Reason.MAILBOX_FULL}),
            lasting=True,
            silent=True,
            senders=frozenset({"shop@mail.example.org"}),
            from_domains=frozenset({"news.example.org", "mail.example.org"}),
            template_ids=frozenset({"42", "a7"}),
        ),
        PolicyRule("little", Action.IGNORE, frozenset({EventKind.DROPPED})),
    )
    assert policy.protected.addresses == {"ceo@example.com"}
    assert policy.protected.domains == {"xn--mnchen-3ya.example"}


def test_own_rules_come_first_and_replace_those_of_the_same_name(folder: Path) -> None:
    """Otherwise a stage would need its own copy of everything, which nobody keeps up to date."""
    load(
        folder,
        NUMBERS
        + RULE
        + 'then = "block"\n'
        + '[[rules]]\nname = "theirs"\nevent = "complaint"\nthen = "block"\n',
        name="base.toml",
    )

    policy = load(
        folder,
        'extends = "base.toml"\n'
        '[[rules]]\nname = "new"\nevent = "dropped"\nthen = "ignore"\n'
        '[[rules]]\nname = "theirs"\nevent = "complaint"\nthen = "ignore"\n',
    )

    assert [(rule.name, rule.action) for rule in policy.rules] == [
        ("new", Action.IGNORE),
        ("theirs", Action.IGNORE),
        ("mine", Action.BLOCK),
    ]


def test_numbers_are_the_nearest_ones(folder: Path) -> None:
    load(folder, NUMBERS, name="base.toml")
    load(folder, 'extends = "base.toml"\n[terms]\ndays = [1]\n', name="middle.toml")

    policy = load(folder, 'extends = "middle.toml"\n')

    assert policy.terms == Terms((1,), Strikes(mails=3, days=2, window_days=30))


def test_whoever_any_layer_protects_is_protected(folder: Path) -> None:
    """A stage's own list must not silently replace the one that everybody relies on."""
    load(folder, NUMBERS + '[protect]\naddresses = ["a@example.com"]\n', name="base.toml")

    policy = load(folder, 'extends = "base.toml"\n[protect]\ndomains = ["b.example"]\n')

    assert policy.protected.include("a@example.com")
    assert policy.protected.include("anybody@b.example")


def test_rules_for_replies_go_before_ours(folder: Path) -> None:
    """Their partner's server may mean something else by words that everybody else uses."""
    load(
        folder,
        NUMBERS,
        name="base.toml",
    )
    theirs = 'replies = """\npolicy | ours | | user unknown | our partner, to strangers\n"""\n'

    plain = load_policy("base.toml", folder=folder)
    policy = load(folder, theirs + 'extends = "base.toml"\n')

    assert plain.classify("550 User unknown").reason is Reason.ADDRESS_GONE
    assert policy.classify("550 User unknown").reason is Reason.POLICY
    assert policy.classify("550 No such user").reason is Reason.ADDRESS_GONE


def test_nearest_rules_for_replies_win_even_when_they_are_the_same(folder: Path) -> None:
    base = 'replies = "policy | a | | zzyzx | base"\n' + NUMBERS
    load(folder, base, name="base.toml")

    inherited = load(folder, 'extends = "base.toml"\n')
    policy = load(folder, 'extends = "base.toml"\nreplies = "content | a | | zzyzx | mine"\n')

    assert inherited.classify("550 zzyzx").reason is Reason.POLICY
    assert policy.classify("550 zzyzx").reason is Reason.CONTENT


def test_version_names_the_file_and_changes_with_every_layer(folder: Path) -> None:
    """A decision in the ledger is traced to the text it followed from."""
    load(folder, NUMBERS, name="base.toml")
    first = load(folder, 'extends = "base.toml"\n').version
    load(folder, NUMBERS + "# changed\n", name="base.toml")
    second = load_policy("mine.toml", folder=folder).version

    assert re.fullmatch(r"mine@[0-9a-f]{8}", first)
    assert first != second
    assert second == load_policy("mine.toml", folder=folder).version


def test_version_changes_with_our_rules_for_replies(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They decide as much as the policy does."""
    before = load(folder, NUMBERS).version

    monkeypatch.setattr(policies, "our_rules", lambda: "# none")

    assert load(folder, NUMBERS).version != before


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_policy_can_be_used(path: Path) -> None:
    policy = load_policy(path.name)
    event = DeliveryEvent(EventKind.COMPLAINT, "jane@example.com")

    assert policy.version.startswith(f"{path.stem}@")
    assert policy.rule_on(event).rule != "no rule"


EVENTS = "hard_bounce, soft_bounce, unclear_bounce, complaint, unsubscribe, dropped"
REASONS = (
    "address_gone, mailbox_full, rate_limited, reputation, content, authentication, policy, "
    "network, unknown"
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # Words.
        (
            NUMBERS + RULE + 'then = "blok"\n',
            "line 11: then: 'blok' is not one of block, block_until, strike, ignore",
        ),
        (
            NUMBERS + '[[rules]]\nname = "a"\nevent = "bounce"\nthen = "block"\n',
            f"line 10: event: 'bounce' is not one of {EVENTS}",
        ),
        (
            NUMBERS + '[[rules]]\nname = "a"\nevent = ["dropped", "open"]\nthen = "block"\n',
            f"line 10: event: 'open' is not one of {EVENTS}",
        ),
        (
            NUMBERS + RULE + 'then = "block"\nreason = ["content", "spam"]\n',
            f"line 12: reason: 'spam' is not one of {REASONS}",
        ),
        (
            NUMBERS + RULE + 'then = "block"\nreason = 3\n',
            f"line 12: reason: Expected `str | array`, got `int`; one of {REASONS}",
        ),
        (
            NUMBERS + RULE + 'then = "block"\nreply = "empty"\n',
            "line 12: reply: 'empty' is not one of silent, any",
        ),
        # Keys.
        (
            NUMBERS + RULE + 'then = "block"\nwhen = 3\n',
            (
                "line 12: when is not known here; known are name, event, then, days, reason, "
                "lasting, reply, from, from_domain, template_id"
            ),
        ),
        (
            "protekt = 1\n" + NUMBERS,
            (
                "line 1: protekt is not known here; known are extends, terms, strikes, protect, "
                "replies, rules"
            ),
        ),
        (
            NUMBERS + "[protekt]\n",
            (
                "line 8: protekt is not known here; known are extends, terms, strikes, protect, "
                "replies, rules"
            ),
        ),
        (
            NUMBERS + "[protect]\naddress = []\n",
            "line 9: address is not known here; known are addresses, domains",
        ),
        (NUMBERS + RULE, "line 8: [[rules]] needs then"),
        (NUMBERS.replace("window_days = 30", ""), "line 3: [strikes] needs window_days"),
        (
            NUMBERS + '[rules]\nname = "a"\n',
            "line 8: a rule begins with [[rules]], in two brackets",
        ),
        # Numbers and texts.
        (
            NUMBERS + RULE + 'then = "block_until"\ndays = 0\n',
            "line 12: rules[0].days: Expected `int` >= 1",
        ),
        (
            NUMBERS.replace("[7, 30]", '[7, "30"]'),
            "line 2: terms.days[1]: Expected `int`, got `str`",
        ),
        (
            NUMBERS.replace("[7, 30]", "[]"),
            "line 2: terms.days: Expected `array` of length >= 1",
        ),
        (
            NUMBERS + RULE + 'then = "block"\nfrom = ""\n',
            "line 12: rules[0].from: Expected `str` of length >= 1",
        ),
        (
            NUMBERS + RULE + 'then = "block"\nfrom_domain = []\n',
            "line 12: rules[0].from_domain: Expected `array` of length >= 1",
        ),
        # What is well written and makes no sense.
        (
            NUMBERS.replace("[7, 30]", "[30, 7]"),
            "line 2: each term must be longer than the one before it",
        ),
        (
            NUMBERS.replace("[7, 30]", "[7, 7]"),
            "line 2: each term must be longer than the one before it",
        ),
        (
            NUMBERS.replace("days = 2", "days = 4"),
            (
                "line 5: days cannot be more than mails, nor than window_days: so many never come "
                "together"
            ),
        ),
        (
            NUMBERS.replace("window_days = 30", "window_days = 1"),
            (
                "line 5: days cannot be more than mails, nor than window_days: so many never come "
                "together"
            ),
        ),
        (
            NUMBERS + RULE + 'then = "block"\n' + RULE + 'then = "ignore"\n',
            "line 13: there is a rule 'mine' above; name this one otherwise",
        ),
        (
            NUMBERS + RULE + 'then = "block_until"\n',
            'line 11: then = "block_until" needs the first term, such as days = 30',
        ),
        (
            NUMBERS + RULE + 'then = "block"\ndays = 30\n',
            'line 12: days go with then = "block_until" only',
        ),
        *(
            (
                NUMBERS
                + '[[rules]]\nname = "a"\nevent = ["soft_bounce", "complaint"]\n'
                + f'{asked}\nthen = "block"\n',
                (
                    "line 10: a complaint has no reply, so it cannot be asked for reason, lasting "
                    "or reply; give it a rule of its own"
                ),
            )
            for asked in ('reason = "content"', "lasting = false", 'reply = "silent"')
        ),
        (
            NUMBERS + '[protect]\naddresses = ["a@example.com", "nobody"]\n',
            "line 9: number 2 of the addresses is none",
        ),
        (
            NUMBERS + '[protect]\n\ndomains = ["@example.com"]\n',
            "line 10: '@example.com' is no domain; write it as \"example.com\"",
        ),
        (
            NUMBERS + '[protect]\ndomains = ["*.example.com"]\n',
            "line 9: '*.example.com' is no domain; write it as \"example.com\"",
        ),
        # Rules for replies, whose lines are those of the file.
        (
            '\nreplies = """\n# mine\nspam | any | | x | y\n"""\n' + NUMBERS,
            f"line 4: 'spam' is no reason; one of {REASONS} (docs/policy.md tells the form)",
        ),
        (
            "replies = 'content | any | | x'\n" + NUMBERS,
            (
                "line 1: 4 columns, not 5: reason | provider | codes | pattern | source "
                "(docs/policy.md tells the form)"
            ),
        ),
        # Files.
        ('\nextends = "mine.toml"\n', "line 2: 'mine.toml' leads back to itself"),
        (
            'extends = "nowhere.toml"\n',
            "line 1: there is no policy 'nowhere.toml' to be read; there are mine.toml",
        ),
    ],
)
def test_mistake_names_file_and_line_and_says_what_to_write(
    folder: Path, text: str, complaint: str
) -> None:
    """It is read at three in the morning, in the log of a function that stands still."""
    with pytest.raises(PolicyError) as raised:
        load(folder, text)

    assert str(raised.value) == f"mine.toml, {complaint}"


def test_text_that_is_no_toml_says_where(folder: Path) -> None:
    with pytest.raises(PolicyError, match=r"^mine\.toml is no TOML: .*line 2, column 8"):
        load(folder, "[terms]\ndays = = 3\n")


@pytest.mark.parametrize(
    ("text", "missing"), [("", "[terms]"), (NUMBERS.partition("[strikes]")[0], "[strikes]")]
)
def test_policy_without_numbers_says_where_to_get_them(
    folder: Path, text: str, missing: str
) -> None:
    with pytest.raises(PolicyError) as raised:
        load(folder, text)

    assert str(raised.value) == (
        f'mine.toml has no {missing}: add it, or extends = "strict.toml" on top'
    )


def test_mistake_in_what_is_extended_names_that_file(folder: Path) -> None:
    (folder / "base.toml").write_text(NUMBERS + RULE + 'then = "blok"\n')

    with pytest.raises(PolicyError, match=r"^base\.toml, line 11: then: 'blok'"):
        load(folder, 'extends = "base.toml"\n')


@pytest.mark.parametrize("name", ["lenient", "mine.toml", ""])
def test_file_that_cannot_be_read_says_which_can(name: str) -> None:
    """`POLICY_FILE` without its ending is the likeliest mistake of all."""
    with pytest.raises(PolicyError) as raised:
        load_policy(name)

    assert str(raised.value) == (
        f"there is no policy {name!r} to be read; "
        "there are lenient.toml, strict.toml, two-streams.toml"
    )


def test_file_that_is_no_text_cannot_be_read(folder: Path) -> None:
    (folder / "mine.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(PolicyError, match=r"there is no policy 'mine\.toml' to be read"):
        load_policy("mine.toml", folder=folder)


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_of_the_page_can_be_used(folder: Path, text: str) -> None:
    """They are what people copy."""
    (folder / "strict.toml").write_text((POLICIES / "strict.toml").read_text())

    policy = load(folder, text)

    assert names(policy)[-1] == "dropped"


def test_page_names_every_key(folder: Path) -> None:
    """The messages list what is known, so the page can be held to them."""
    known = set()
    for text in ("x = 1\n", "[terms]\nx = 1\n", "[strikes]\nx = 1\n", "[protect]\nx = 1\n"):
        known |= keys_known_after(folder, text)
    known |= keys_known_after(folder, RULE + "then = 'block'\nx = 1\n")

    text = re.sub("```.*?```", "", PAGE, flags=re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall("`([^`]+)`", text))))

    assert len(known) == 20
    assert known <= named


def keys_known_after(folder: Path, text: str) -> set[str]:
    with pytest.raises(PolicyError, match="x is not known here") as raised:
        load(folder, text)
    return set(str(raised.value).partition("known are ")[2].split(", "))


def test_mistake_stops_the_function_and_not_a_message() -> None:
    """Outside the tree of errors, so that no retry swallows it."""
    assert issubclass(PolicyError, ValueError)
    assert names(load_policy("strict.toml"))
