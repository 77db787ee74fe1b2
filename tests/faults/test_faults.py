"""Two of the faults, so that the others cannot rot; and that the accounting can fail."""

import json
from collections.abc import Iterator

import pytest

from local.demo.callbacks import Event, Fate
from local.pipeline import running_pipeline
from tests.faults.__main__ import most_in_a_second
from tests.faults.events import make_events, make_flood, make_junk
from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import Stage

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with running_pipeline() as pipeline:
        yield Stage(pipeline)


@pytest.mark.parametrize("fault", ["Tencent resets after it acted", "junk on the queue"])
def test_nothing_is_lost(stage: Stage, fault: str) -> None:
    result = stage.play(fault, SCENARIOS[fault])

    assert result.events > 0
    assert (result.lost, result.wrong) == (0, 0)
    assert result.accepted + result.ignored + result.dead_letters == result.events
    assert 1 <= most_in_a_second(stage.double.requests) <= 10


def test_event_that_never_arrives_is_lost(stage: Stage) -> None:
    """A check that cannot fail proves nothing."""
    one, other = make_events("never-arrives", 2)

    def play(stage: Stage, _: str) -> None:
        stage.post(one.text, [one, other])

    result = stage.play("never arrives", play)

    assert (result.accepted, result.lost, result.holds) == (1, 1, False)


def test_letter_that_is_not_the_event_is_no_proof(stage: Stage) -> None:
    junk = Event("not JSON", Fate.MALFORMED)

    result = stage.play("other junk", lambda stage, _: _post(stage, "other junk", junk))

    assert (result.dead_letters, result.lost) == (0, 1)


def test_recipient_nobody_asked_for_is_wrong(stage: Stage) -> None:
    callback = json.dumps({"event": "spamreport", "email": "unasked@example.com"})
    ignored = Event(callback, Fate.IGNORED)

    result = stage.play("unasked", lambda stage, _: _post(stage, callback, ignored))

    assert (result.wrong, result.holds) == (1, False)


def test_flood_repeats_as_many_as_asked_for() -> None:
    events = make_flood("flood", 1000, duplicates=0.3)

    assert len(events) == 1000
    assert len({event.text for event in events}) == 700


def test_junk_is_the_same_each_time() -> None:
    assert list(make_junk("junk", 50)) == list(make_junk("junk", 50))


def _post(stage: Stage, body: str, event: Event) -> None:
    stage.post(body, [event])
