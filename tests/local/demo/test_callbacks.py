"""What the demo posts is what it says it posts."""

import json
import re
from collections import Counter

import pytest

from functions.blocklist.adapters.callback import parse_callback, parse_message
from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.decisions import Decision, Judge
from functions.blocklist.domain.events import DeliveryEvent
from local.demo.callbacks import (
    DOCUMENTED_CALLBACK,
    DOCUMENTED_RECIPIENT,
    EVENTS,
    Event,
    Fate,
    Post,
    hard_bounces,
    make_posts,
)
from tests.payloads import payload

NOW = 1_796_083_200.0


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    return make_posts(now=NOW)


@pytest.fixture(scope="module")
def events(posts: list[Post]) -> list[Event]:
    return [event for post in posts for event in post.events]


def test_documented_callback_comes_first(posts: list[Post]) -> None:
    assert posts[0].body == DOCUMENTED_CALLBACK
    assert json.loads(DOCUMENTED_CALLBACK)["email"] == DOCUMENTED_RECIPIENT


def test_there_are_a_thousand_events(events: list[Event]) -> None:
    assert len(events) == EVENTS


def test_every_fate_is_there(events: list[Event]) -> None:
    assert set(Counter(event.fate for event in events)) == set(Fate)


def test_some_are_duplicates(events: list[Event]) -> None:
    blocking = [event.blocks for event in events if event.fate is Fate.BLOCKED]

    assert len(set(blocking)) < len(blocking)


def test_recipients_are_expected_in_the_form_they_are_blocked_in(events: list[Event]) -> None:
    blocking = [event for event in events if event.fate is Fate.BLOCKED]

    assert all(
        normalise(json.loads(event.text)["email"]) == event.blocks != "" for event in blocking
    )


def test_rules_are_those_that_the_policy_decides_by(events: list[Event]) -> None:
    policy = load_policy("strict.toml")

    for event in events:
        if event.rule:
            [reported] = parse_message(event.text.encode())
            assert isinstance(reported, DeliveryEvent)
            decision = Judge(policy).decide(reported)
            assert isinstance(decision, Decision)
            assert decision.ruling.rule == event.rule


def test_tencents_own_list_has_each_hard_bounce_once_and_nobody_else(events: list[Event]) -> None:
    """Whoever tries `audit` and `why` on the demo should see what Tencent would do."""
    listed = hard_bounces(events)

    names = Counter(re.sub(r"(-\d+)?@.*", "", address) for address in listed)
    assert names["gone"] == 249
    assert names["living"] == 228
    assert not {"complaint", "unsubscribe", "alive", "full"} & names.keys()
    assert listed["gone-4@example.com"] == "551 5.1.1 recipient is not exist"


def test_each_event_is_about_a_mail_of_its_own(events: list[Event]) -> None:
    """The brake holds what one mail does to hundreds."""
    mails = [json.loads(event.text)["bulkId"] for event in events if event.rule]

    assert len(set(mails)) == len(mails)


def test_some_are_posted_as_arrays_and_some_as_objects(posts: list[Post]) -> None:
    sizes = Counter(min(len(post.events), 2) for post in posts)

    assert sizes[1] > 100
    assert sizes[2] > 20


def test_array_holds_all_its_events(posts: list[Post]) -> None:
    for post in posts:
        if len(post.events) > 1:
            assert len(parse_callback(post.body.encode())) == len(post.events)


def test_wrong_token_is_wrong_for_a_whole_request(posts: list[Post]) -> None:
    for post in posts:
        if not post.has_token:
            assert {event.fate for event in post.events} == {Fate.TURNED_AWAY}


def test_demo_is_the_same_each_time(posts: list[Post]) -> None:
    assert make_posts(now=NOW) == posts


def test_documented_callback_is_the_one_the_tests_know() -> None:
    assert json.loads(payload("callbacks/documented.json")) == json.loads(DOCUMENTED_CALLBACK)
