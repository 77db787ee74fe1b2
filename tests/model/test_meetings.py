"""
Two sandboxes that meet over one address, at every distance in time.

The state machine comes upon these moments seldom; here none is left out.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.model.dynamo import Purpose, TableFault
from tests.model.machine import LONG_SECONDS, MailModel
from tests.model.sandboxes import Faults
from tests.model.tencent import ApiFault, Wish
from tests.model.world import NO_FAULTS

#: As in tests/model/test_model.py.
pytestmark = pytest.mark.no_cover

SOMEBODY = "good1@example.com"
#: Hundredths of a second from one beginning to the other: each is over in less than two thirds.
DISTANCES = range(-66, 67, 6)
#: What happens to the one, and to the other.
TROUBLES = {
    "nothing": (NO_FAULTS, NO_FAULTS),
    "the other takes nothing off": (NO_FAULTS, Faults(api_at={Wish.REMOVAL: ApiFault.INTERNAL})),
    "not made again": (Faults(api_at={Wish.RENEWAL: ApiFault.INTERNAL}), NO_FAULTS),
    "killed when it was taken off": (Faults(kill_after=Wish.REMOVAL), NO_FAULTS),
    "written late": (Faults(table_at={Purpose.OUTCOME: TableFault.SLOW}), NO_FAULTS),
    "the other is slow": (NO_FAULTS, Faults(api_at={Wish.RENEWAL: ApiFault.SLOW})),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("moves_days", [True, False], ids=["moves days", "leaves days"])
@pytest.mark.parametrize("has_come_before", [True, False], ids=["comes again", "comes first"])
@pytest.mark.parametrize("before", [None, "silent"], ids=["not listed", "listed"])
@pytest.mark.parametrize("later", ["hard", "silent, later"])
@pytest.mark.parametrize("is_shared", [True, False], ids=["one message at both", "one each"])
def test_two_that_meet_end_as_if_one_had_been_alone(
    trouble: str,
    later: str,
    before: str | None,
    *,
    is_shared: bool,
    has_come_before: bool,
    moves_days: bool,
) -> None:
    faults, faults_of_other = TROUBLES[trouble]
    for distance in DISTANCES:
        with _model(moves_days=moves_days) as model:
            if before:
                _put(model, before)
                _deliver(model, NO_FAULTS)
            _put(model, "silent")
            if has_come_before:
                _deliver(model, Faults(table_at=dict.fromkeys(Purpose, TableFault.DENIED)))
                model.wait(seconds=LONG_SECONDS)
            _put(model, later)
            first, second = model.world.visible()
            others = [first, second] if is_shared else [second]
            model.world.deliver(0, [first], faults, window=max(0, -distance) / 100)
            model.world.deliver(1, others, faults_of_other, window=max(0, distance) / 100)
            model.wait(seconds=LONG_SECONDS)


def test_term_that_was_taken_without_an_answer_is_known_to_the_next_event() -> None:
    """It was announced: else the longer block would be left to what an entry does that is there."""
    with _model(moves_days=False) as model:
        _put(model, "silent")
        _deliver(model, Faults(api_at={Wish.TERM: ApiFault.BROKEN_AFTER}))
        _put(model, "hard")
        _deliver(model, NO_FAULTS)


@contextmanager
def _model(*, moves_days: bool) -> Iterator[MailModel]:
    """Give a model; what must hold holds when everything has come to its end."""
    model = MailModel()
    model.start(moves_days=moves_days)
    with model.installed:
        yield model
        model.nothing_accepted_is_lost()
        model.the_ledger_says_until_when_who_is_listed()
        model.teardown()


def _put(model: MailModel, kind: str) -> None:
    event = model.world.new_event(kind, SOMEBODY)
    model.world.put(event.raw, [event])


def _deliver(model: MailModel, faults: Faults) -> None:
    model.world.deliver(0, model.world.visible(), faults)
    model.wait(seconds=100.0)
