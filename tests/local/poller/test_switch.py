"""The mapping's switch, as the poller sees it, on a clock that only waiting moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import EndpointConnectionError

from local.poller.consumer_queue import QueueError
from local.poller.records import Received
from local.poller.switch import Switch, SwitchedInbox
from tests.local.poller.builders import FakeInbox, FakeTime


@dataclass
class FakeReturningInbox(FakeInbox):
    """Keeps what is given back."""

    returned: list[str] = field(default_factory=list)

    def give_back(self, messages: Sequence[Received]) -> None:
        self.returned += [message.message_id for message in messages]


@dataclass
class FakeLambda:
    """Answers with each of *states*, the last one for ever."""

    states: list[str]
    asked: int = 0

    def client(self, _service: str) -> "FakeLambda":
        return self

    def get_event_source_mapping(self, **_: str) -> dict[str, str]:
        self.asked += 1
        state = self.states[min(self.asked, len(self.states)) - 1]
        if not state:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        return {"State": state}


def receive(inbox: SwitchedInbox) -> list[str]:
    return [each.message_id for each in inbox.receive(max_messages=10, wait_seconds=1)]


def test_while_it_is_off_the_queue_is_left_alone() -> None:
    time = FakeTime()
    queue = FakeReturningInbox(time, [(0.0, "m-1")])
    inbox = SwitchedInbox(queue, is_on=lambda: False, shared=time.share())

    assert receive(inbox) == []
    assert queue.receives == []
    assert time.pauses == [1]


def test_while_it_is_on_nothing_is_held_up() -> None:
    time = FakeTime()
    queue = FakeReturningInbox(time, [(0.0, "m-1")])

    received = receive(SwitchedInbox(queue, is_on=lambda: True, shared=time.share()))

    assert received == ["m-1"]
    assert queue.returned == []
    assert time.pauses == []


def test_what_comes_in_the_moment_of_switching_goes_back() -> None:
    """A receive waits for a second: whoever paused before must find their event waiting."""
    time = FakeTime()
    queue = FakeReturningInbox(time, [(0.5, "m-1")])
    answers = [True, False]
    inbox = SwitchedInbox(queue, is_on=lambda: answers.pop(0), shared=time.share())

    assert receive(inbox) == []
    assert queue.returned == ["m-1"]


def test_state_is_asked_for_again_only_when_it_may_have_changed() -> None:
    time = FakeTime()
    functions = FakeLambda(["Enabled", "Disabled"])
    switch = Switch(functions, "id", clock=time.clock)  # type: ignore[arg-type]  # a stand-in

    first, again = switch.is_on(), switch.is_on()
    time.now += 0.1

    assert (first, again, switch.is_on()) == (True, True, False)
    assert functions.asked == 2


@pytest.mark.parametrize("state", ["Disabling", "Creating", "Deleting", "Disabled"])
def test_only_enabled_is_on(state: str) -> None:
    switch = Switch(FakeLambda([state]), "id", clock=FakeTime().clock)  # type: ignore[arg-type]  # as above

    assert not switch.is_on()


def test_who_cannot_ask_does_not_receive() -> None:
    """Rather wait than block for somebody who paused."""
    time = FakeTime()
    queue = FakeReturningInbox(time, [(0.0, "m-1")])
    switch = Switch(FakeLambda([""]), "id", clock=time.clock)  # type: ignore[arg-type]  # as above

    with pytest.raises(QueueError, match="EndpointConnectionError"):
        receive(SwitchedInbox(queue, is_on=switch.is_on, shared=time.share()))

    assert queue.receives == []
