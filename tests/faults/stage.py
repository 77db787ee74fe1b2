"""
The running stack, what a scenario does to it, and what became of the events.

What is told is taken from outside: from the double's list, from the dead-letter queue, and, for
what was ignored, from the functions' own counts.
"""

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from local.demo.accounting import read_dead_letters, read_metrics
from local.demo.callbacks import Event, Fate
from local.metrics import Place
from local.pipeline import TOKEN, Pipeline
from local.tencent.double import TencentDouble
from tests.local.processes import parents

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

#: More than any message waits: the queue's visibility timeout here is 62 s.
PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.1
SENDERS = 8
#: So many blocks that no scenario meets the brake, but the one that is about it.
NO_BRAKE = {"BRAKE_BLOCKS_PER_HOUR": "1000000", "BRAKE_BLOCKS_PER_MAIL": "1000000"}
OK = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a scenario's events. *wrong* were blocked though nothing asked for it."""

    fault: str
    events: int
    accepted: int
    ignored: int
    dead_letters: int
    wrong: int
    seconds: float

    @property
    def lost(self) -> int:
        """Events that are nowhere."""
        return self.events - self.accepted - self.ignored - self.dead_letters

    @property
    def holds(self) -> bool:
        """Tell whether every event is accounted for."""
        return self.lost == self.wrong == 0


class FaultDidNothingError(Exception):
    """What was to go wrong did not, so nothing is proven."""


class Stage:
    """Plays one scenario after the other on *pipeline*."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._place = Place()
        self._session = requests.Session()
        self._session.trust_env = False
        self._sqs: SQSClient = pipeline.aws.client("sqs", connections=SENDERS)
        self._events: list[Event] = []
        self._mended_at = 0.0
        self.configure("BlockRecipientsFunction", **NO_BRAKE)

    @property
    def double(self) -> TencentDouble:
        """Tencent's API."""
        return self.pipeline.double

    def play(self, fault: str, scenario: Callable[["Stage", str], None]) -> Result:
        """Play *scenario*, wait until all is quiet, and account for its events."""
        self._sqs.purge_queue(QueueUrl=self.pipeline.stack.outputs["DeadLetterQueueUrl"])
        self._events = []
        listed, ignored = set(self.double.blocked), self._ignored()
        scenario(self, re.sub(r"\W+", "-", fault))
        self.double.plug()
        self.double.behave()
        self._mended_at = self._mended_at or time.monotonic()
        _wait_until(lambda: self.pipeline.waiting() == 0)  # what still waits is not accounted for
        seconds, self._mended_at = time.monotonic() - self._mended_at, 0.0
        return self._account(
            fault, set(self.double.blocked) - listed, self._ignored() - ignored, seconds
        )

    def queue(self, events: Sequence[Event]) -> None:
        """Put *events* on the queue, past the door."""
        self._events += events
        url = self.pipeline.stack.outputs["QueueUrl"]
        tens = [events[start : start + 10] for start in range(0, len(events), 10)]

        def send(ten: Sequence[Event]) -> None:
            entries = [
                {"Id": str(number), "MessageBody": event.text} for number, event in enumerate(ten)
            ]
            answer = self._sqs.send_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]  # a list of dicts
            assert not answer.get("Failed"), answer

        with ThreadPoolExecutor(SENDERS) as pool:
            for _ in pool.map(send, tens):
                pass

    def post(self, body: str | bytes, events: Sequence[Event], *, token: str = TOKEN) -> int:
        """Post *events*, which are *body*, once; from now on they are accounted for."""
        self._events += events
        return self.post_again(body, token=token)

    def post_again(self, body: str | bytes, *, token: str = TOKEN) -> int:
        """Post what was posted before; give the status."""
        data = body.encode() if isinstance(body, str) else body
        url = self.pipeline.stack.callback_url(token)
        return self._session.post(url, data=data, timeout=60).status_code

    def wait_until_it_hurts(self) -> None:
        """Wait until messages come back from the function unsettled."""
        failed = self.pipeline.poller.counts.failed_invoke
        self.must(lambda: self.pipeline.poller.counts.failed_invoke > failed)

    def must(self, condition: Callable[[], bool]) -> None:
        """
        Wait for *condition*, without which the scenario would show nothing.

        Raises:
            FaultDidNothingError: it never came true.
        """
        if not _wait_until(condition):
            raise FaultDidNothingError

    def mended(self) -> None:
        """Say that from now on nothing stands in the way; if unsaid, it is the scenario's end."""
        self._mended_at = time.monotonic()

    def kill_sandboxes(self) -> None:
        """Kill the functions' processes: children of the emulator, a child of our child's."""
        started_by = parents()
        for pid, emulator in started_by.items():
            guard = started_by.get(emulator)
            if guard is not None and started_by.get(guard) == os.getpid():
                os.kill(pid, signal.SIGKILL)

    def deny(self, function: str, *actions: str) -> None:
        """Take *actions* from the role of the function under the stack's output *function*."""
        document = {"Effect": "Deny", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [document]})
        self._iam().put_role_policy(
            RoleName=self._role(function), PolicyName="fault", PolicyDocument=policy
        )

    def allow(self, function: str) -> None:
        """Take back what `deny` did."""
        self._iam().delete_role_policy(RoleName=self._role(function), PolicyName="fault")

    def configure(self, function: str, **variables: str) -> dict[str, str]:
        """Change the environment of the function under the stack's output; give what it was."""
        client: LambdaClient = self.pipeline.aws.client("lambda")
        name = self.pipeline.stack.outputs[function]
        known = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**known, **variables}}
        )
        return known

    def put_parameter(self, output: str, value: str) -> None:
        """Write the secret under the stack's output *output*."""
        ssm: SSMClient = self.pipeline.aws.client("ssm")
        name = self.pipeline.stack.outputs[output]
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def update_code(self, function: str, zipped: bytes) -> None:
        """Deploy *zipped* as the code of the function under the stack's output *function*."""
        client: LambdaClient = self.pipeline.aws.client("lambda")
        name = self.pipeline.stack.outputs[function]
        client.update_function_code(FunctionName=name, ZipFile=zipped)

    def _account(self, fault: str, listed: set[str], ignored: int, seconds: float) -> Result:
        to_block = {event.blocks for event in self._events if event.blocks}
        to_ignore = sum(event.fate is Fate.IGNORED for event in self._events)
        accepted = [event for event in self._events if event.blocks in listed]
        others = Counter(event.text.encode() for event in self._events)
        others -= Counter(event.text.encode() for event in accepted)
        letters = Counter(letter.original for letter in read_dead_letters(self.pipeline))
        return Result(
            fault,
            events=len(self._events),
            accepted=len(accepted),
            ignored=min(to_ignore, ignored),
            dead_letters=(others & letters).total(),
            wrong=len(listed - to_block),
            seconds=seconds,
        )

    def _ignored(self) -> int:
        return read_metrics(self.pipeline, self._place)["Ignored"]

    def _iam(self) -> Any:  # noqa: ANN401 - boto3 without stubs
        return self.pipeline.aws.client("iam")

    def _role(self, function: str) -> str:
        client: LambdaClient = self.pipeline.aws.client("lambda")
        name = self.pipeline.stack.outputs[function]
        arn = client.get_function_configuration(FunctionName=name)["Role"]
        return arn.rpartition("/")[2]


def _wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return holds
