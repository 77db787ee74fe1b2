"""What goes wrong: each by its name, and what is done to the stage."""

import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from functools import partial

from local.pipeline import PACKAGE, SECRET_ID, TOKEN
from local.tencent import faults
from local.tencent.faults import Fault
from tests.faults.events import make_events, make_flood, make_junk
from tests.faults.stage import NO_BRAKE, OK, Stage

EVENTS = 200
WAVE = 5000
NEW_TOKEN = "rotated-local-token-not-a-secret"

Scenario = Callable[[Stage, str], None]


def _misbehaves(fault: Fault, stage: Stage, label: str) -> None:
    stage.double.misbehave(fault, times=math.inf)
    stage.queue(make_events(label, EVENTS))
    stage.wait_until_it_hurts()
    stage.double.behave()


def _is_down(stage: Stage, label: str) -> None:
    stage.double.unplug()
    stage.queue(make_events(label, EVENTS))
    stage.wait_until_it_hurts()
    stage.double.plug()


def _refuses_the_key(stage: Stage, label: str) -> None:
    """Rotate the key at Tencent first and in the parameter only when it hurts."""
    key = f"local-secret-key-since-{label}"
    stage.double.secret_key = key
    stage.queue(make_events(label, EVENTS))
    stage.wait_until_it_hurts()
    secret = json.dumps({"secret_id": SECRET_ID, "secret_key": key})
    stage.put_parameter("TencentCredentialsParameter", secret)


def _queue_refuses_the_door(stage: Stage, label: str) -> None:
    """Answer 503, whoever asks, until the queue takes messages again."""
    events = make_events(label, EVENTS)
    callbacks = [events[start : start + 20] for start in range(0, len(events), 20)]
    bodies = [f"[{','.join(event.text for event in callback)}]" for callback in callbacks]
    stage.deny("ReceiveCallbackFunction", "sqs:SendMessage", "sqs:SendMessageBatch")
    refused = [
        body
        for body, callback in zip(bodies, callbacks, strict=True)
        if stage.post(body, callback) != OK
    ]
    stage.must(lambda: bool(refused))
    stage.allow("ReceiveCallbackFunction")
    for body in refused:
        stage.must(lambda body=body: stage.post_again(body) == OK)  # type: ignore[misc]


def _queue_refuses_the_consumer(stage: Stage, label: str) -> None:
    """Let it neither send a dead letter nor say how long a message is to stay away."""
    actions = ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility")
    names = [f"sqs:{action}" for action in (*actions, "ChangeMessageVisibilityBatch")]
    stage.deny("BlockRecipientsFunction", *names)
    stage.queue(make_events(label, EVENTS))
    stage.wait_until_it_hurts()
    stage.allow("BlockRecipientsFunction")


def _ledger_refuses(stage: Stage, label: str) -> None:
    stage.deny("BlockRecipientsFunction", "dynamodb:UpdateItem")
    stage.queue(make_events(label, EVENTS))
    stage.wait_until_it_hurts()
    stage.allow("BlockRecipientsFunction")


def _brake_holds(stage: Stage, label: str) -> None:
    """Let the hour have no room for another block: all of them wait for a person."""
    stage.configure("BlockRecipientsFunction", BRAKE_BLOCKS_PER_HOUR="1")
    stage.queue(make_events(label, EVENTS))
    stage.must(lambda: stage.pipeline.dead_letters() > EVENTS / 2)
    stage.configure("BlockRecipientsFunction", **NO_BRAKE)


def _is_killed(stage: Stage, label: str) -> None:
    """Kill it between a request and its answer; the messages come back when the queue says so."""
    failed = stage.pipeline.poller.counts.failed_invoke
    _start_slow_request(stage, label)
    stage.kill_sandboxes()
    stage.must(lambda: stage.pipeline.poller.counts.failed_invoke > failed)


def _is_replaced(stage: Stage, label: str) -> None:
    """Deploy other code between a request and its answer."""
    _start_slow_request(stage, label)
    zipped = io.BytesIO((PACKAGE / "functions.zip").read_bytes())
    with zipfile.ZipFile(zipped, "a") as code:
        code.writestr("another_version.txt", label)
    stage.update_code("BlockRecipientsFunction", zipped.getvalue())


def _start_slow_request(stage: Stage, label: str) -> None:
    asked = len(stage.double.requests)
    stage.double.misbehave(faults.late(2))
    stage.queue(make_events(label, EVENTS))
    stage.must(lambda: len(stage.double.requests) > asked)


def _token_is_rotated(stage: Stage, label: str) -> None:
    """Add the new token, then use it beside the old one."""
    for number, event in enumerate(make_events(label, 60)):
        if number == 20:
            stage.put_parameter("CallbackTokensParameter", f"{NEW_TOKEN},{TOKEN}")
        token = NEW_TOKEN if number >= 20 and number % 2 else TOKEN
        stage.post(event.text, [event], token=token)


def _burst(stage: Stage, label: str) -> None:
    stage.queue(make_flood(label, 1000, duplicates=0.3))


def _junk_at_the_door(stage: Stage, label: str) -> None:
    for event in make_junk(label, 100):
        stage.post(event.text, [event])


def _junk_on_the_queue(stage: Stage, label: str) -> None:
    junk, good = list(make_junk(label, EVENTS)), make_events(label, EVENTS)
    stage.queue([event for pair in zip(junk, good, strict=True) for event in pair])


def flood(count: int) -> Scenario:
    """
    Make a flood of *count* callbacks, three of ten of which are repeats.

    As many wait as the emulator's queue can hold without growing slow itself. The ledger is off:
    the emulator's table takes some fifty updates a second, where DynamoDB takes thousands.
    """

    def play(stage: Stage, label: str) -> None:
        events = make_flood(label, count, duplicates=0.3)
        before = stage.configure("BlockRecipientsFunction", LEDGER_TABLE="")
        for start in range(0, count, WAVE):
            stage.must(lambda: stage.pipeline.waiting() <= WAVE)
            stage.queue(events[start : start + WAVE])
        stage.must(lambda: stage.pipeline.waiting() == 0)
        stage.mended()
        stage.configure("BlockRecipientsFunction", **before)

    return play


SCENARIOS: Mapping[str, Scenario] = {
    "Tencent is down": _is_down,
    "Tencent answers late": partial(_misbehaves, faults.late(3)),
    "Tencent resets before it acts": partial(_misbehaves, faults.RESET),
    "Tencent resets after it acted": partial(_misbehaves, faults.RESET_AFTER_EFFECT),
    "Tencent answers HTML": partial(_misbehaves, faults.html(200)),
    "Tencent throttles": partial(_misbehaves, faults.error("RequestLimitExceeded")),
    "Tencent refuses the key": _refuses_the_key,
    "the queue refuses the door": _queue_refuses_the_door,
    "the queue refuses the consumer": _queue_refuses_the_consumer,
    "the ledger refuses": _ledger_refuses,
    "the brake holds": _brake_holds,
    "the sandbox is killed": _is_killed,
    "the code is replaced": _is_replaced,
    "the token is rotated": _token_is_rotated,
    "a burst, with the ledger": _burst,
    "junk at the door": _junk_at_the_door,
    "junk on the queue": _junk_on_the_queue,
}
