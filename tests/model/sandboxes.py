"""
The real handlers in a sandbox of their own, wired as `bootstrap` wires them.

A sandbox stands in for the module `bootstrap`: one instance is what one Lambda sandbox keeps for
its life. Only clients, clocks and the SDK's transport are the model's.
"""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from unittest.mock import patch

from functions.block_recipients import handler as block_handler
from functions.blocklist import config
from functions.blocklist.adapters import dynamo_table, sqs, tencent, tencent_api
from functions.blocklist.adapters.dynamo_brake import DynamoBrake
from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
from functions.blocklist.adapters.dynamo_table import DynamoTable
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.adapters.pacing import IntervalPacer
from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.adapters.tokens import RotatingTokens
from functions.blocklist.domain.decisions import ExpectedSenders
from functions.blocklist.domain.policy import Policy
from functions.blocklist.services.ports import Answer
from functions.receive_callback import handler as receive_handler
from tests.conftest import FakeContext
from tests.model.clock import InlinePool, SandboxClock
from tests.model.dynamo import Table, TableClient, TableFault
from tests.model.events import EXPECTED_APP, is_silent
from tests.model.queues import DEAD, SOURCE, QueueClient, QueueFault, Queues
from tests.model.tencent import ApiFault, Tencent

TOKEN = "token-0123456789-0123456789"
DOOR_SECONDS = 10.0
REQUESTS_PER_SECOND = 5
#: What a clock of floats cannot tell apart.
TICK = 1e-6
#: What the consumer must keep for handing back what is left.
HAND_BACK_SECONDS = 4.0

POLICY = load_policy("strict.toml")

_ENVIRONMENT = {
    "QUEUE_URL": SOURCE,
    "DEAD_LETTER_QUEUE_URL": DEAD,
    "CALLBACK_TOKENS": TOKEN,
    "TENCENTCLOUD_SECRET_ID": "id",
    "TENCENTCLOUD_SECRET_KEY": "key",
    "API_REQUESTS_PER_SECOND": str(REQUESTS_PER_SECOND),
    "EXPECTED_APP_IDS": EXPECTED_APP,
}


@dataclass(frozen=True)
class Faults:
    """What goes wrong in one invocation: by call to each other side, and after how many calls."""

    queue: Sequence[QueueFault] = ()
    table: Sequence[TableFault] = ()
    at_outcomes: TableFault = TableFault.NONE
    api: Sequence[ApiFault] = ()
    kill_in: int | None = None


class _Transport(tencent_api._Client):  # noqa: SLF001 - the SDK's client, without its connection
    def __init__(self, blocklist: "_Blocklist") -> None:
        self._blocklist = blocklist

    def call_json(self, action: str, params: Mapping[str, Any]) -> object:
        assert action == "CreateCustomBlacklist"
        return self._blocklist.answer(params)


class _Api(tencent_api.TencentApi):
    def __init__(self, blocklist: "_Blocklist", clock: SandboxClock) -> None:
        super().__init__(
            endpoint="https://tencent.test",
            region="ap-singapore",
            credentials=lambda: tencent_api.Credentials("id", "key"),
            clock=clock,
        )
        self._blocklist = blocklist

    def _build_client(self) -> tencent_api._Client:
        return _Transport(self._blocklist)


class _Blocklist(tencent.TencentBlocklist):
    """The adapter, with the model's Tencent at the end of its line."""

    def __init__(self, server: Tencent, clock: SandboxClock, max_recipients: int) -> None:
        super().__init__(_Api(self, clock), max_recipients=max_recipients)
        self.script: list[ApiFault] = []
        self.starts: list[float] = []
        self.asked: set[str] = set()
        self.asked_alone: set[str] = set()
        self.deadline = 0.0
        self._server = server
        self._sandbox_clock = clock
        self._timeout_seconds = 0.0

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        self._timeout_seconds = timeout_seconds
        return super().add(recipients, until=until, timeout_seconds=timeout_seconds)

    def answer(self, params: Mapping[str, Any]) -> object:
        now = self._sandbox_clock.now
        assert now + self._timeout_seconds <= self.deadline - HAND_BACK_SECONDS
        assert set(params) == {"Emails"}
        assert len(set(params["Emails"])) == len(params["Emails"]) > 0
        assert len(self.starts) < REQUESTS_PER_SECOND or (
            now - self.starts[-REQUESTS_PER_SECOND] >= 1 - TICK
        )
        self.starts.append(now)
        self.asked.update(params["Emails"])
        if len(params["Emails"]) == 1:
            self.asked_alone.update(params["Emails"])
        fault = self.script.pop(0) if self.script else ApiFault.NONE
        return self._server.call(
            params["Emails"], self._sandbox_clock, self._timeout_seconds, fault
        )


class Sandbox:
    """What one sandbox keeps; its methods are those of `bootstrap` that the handlers call."""

    def __init__(
        self, queues: Queues, server: Tencent, table: Table | None, *, max_recipients: int
    ) -> None:
        self.clock = SandboxClock()
        self.client = QueueClient(queues, self.clock)
        self._environment = {**_ENVIRONMENT, "MAX_EMAILS_PER_REQUEST": str(max_recipients)}
        self._server = server
        self._table = TableClient(table, self.clock) if table else None

    @cached_property
    def api(self) -> _Blocklist:
        return _Blocklist(self._server, self.clock, self.block_settings().max_emails_per_request)

    @cached_property
    def _pacer(self) -> IntervalPacer:
        rate = self.block_settings().api_requests_per_second
        return IntervalPacer(1 / rate, clock=self.clock, sleep=self.clock.sleep)

    @cached_property
    def _tokens(self) -> RotatingTokens:
        return RotatingTokens(lambda: TOKEN, clock=self.clock)

    def receive_settings(self) -> config.ReceiveSettings:
        return config.read_receive_settings(self._environment)

    def block_settings(self) -> config.BlockSettings:
        return config.read_block_settings(self._environment)

    def tokens(self) -> RotatingTokens:
        return self._tokens

    def event_queue(self) -> sqs.SqsEventQueue:
        return sqs.SqsEventQueue(self._sender(SOURCE))

    def forwarding(self) -> None:
        return None

    def dead_letters(self, queue_url: str) -> sqs.SqsDeadLetters:
        return sqs.SqsDeadLetters(self._sender(queue_url))

    def redelivery(self) -> sqs.SqsRedelivery:
        return sqs.SqsRedelivery(lambda: self.client, SOURCE, clock=self.clock)  # type: ignore[arg-type,return-value]

    def blocklist(self) -> _Blocklist:
        return self.api

    def pacer(self) -> IntervalPacer:
        return self._pacer

    def policy(self) -> Policy:
        return POLICY

    def ledger(self, batch_id: str) -> tuple[DynamoLedger, DynamoBrake] | None:
        client = self._table
        if not client:
            return None
        table = DynamoTable(lambda: client, "table", clock=self.clock, sleep=self.clock.sleep)  # type: ignore[arg-type,return-value]
        hashed = KeyedHash(lambda: "ledger-key-0123456789-0123456789")
        ledger = DynamoLedger(
            table,
            hashed=hashed,
            retention_days=400,
            policy_version="model",
            batch_id=batch_id,
            wall_clock=self.clock,
        )
        many = 1_000_000
        brake = DynamoBrake(
            table, hashed=hashed, per_hour=many, per_mail=many, wall_clock=self.clock
        )
        return ledger, brake

    def expected_senders(self) -> ExpectedSenders:
        settings = self.block_settings()
        return ExpectedSenders(settings.expected_app_ids, settings.expected_from_domains)

    def post(self, body: bytes, *, token: str, now: float, faults: Faults) -> int:
        """Run the door's handler; give the status that it answers."""
        self._begin(now, faults)
        event = {
            "requestContext": {"http": {"method": "POST"}},
            "rawPath": f"/callbacks/{token}",
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        with _world(self, receive_handler):
            answer = receive_handler.lambda_handler(event, FakeContext(DOOR_SECONDS))
        assert self.clock.now <= now + DOOR_SECONDS
        status: int = answer["statusCode"]
        return status

    def block(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        now: float,
        seconds: float,
        faults: Faults,
    ) -> tuple[bytes, dict[str, Any]]:
        """Run the consumer's handler; give its answer as Lambda does, and its line of metrics."""
        self._begin(now, faults)
        self.api.deadline = now + seconds
        self.api.asked, self.api.asked_alone = set(), set()
        with _world(self, block_handler) as metrics_written:
            answer = block_handler.lambda_handler({"Records": records}, FakeContext(seconds))
        assert self.clock.now <= now + seconds
        metrics, *others = map(json.loads, metrics_written.getvalue().splitlines())
        letters = sum(line["DeadLetters"][0] for line in others if "DeadLetters" in line)
        assert metrics["DeadLettered"][0] == letters
        return json.dumps(answer).encode(), metrics

    def _begin(self, now: float, faults: Faults) -> None:
        self.clock.now, self.clock.kill_in = now, faults.kill_in
        self.client.script, self.api.script = list(faults.queue), list(faults.api)
        if self._table:
            self._table.script = list(faults.table)
            self._table.at_outcomes = faults.at_outcomes

    def _sender(self, queue_url: str) -> sqs.SqsSender:
        return sqs.SqsSender(
            lambda: self.client,  # type: ignore[arg-type,return-value]  # a fake
            queue_url,
            clock=self.clock,
            sleep=self.clock.sleep,
        )


@contextmanager
def _world(sandbox: Sandbox, handler: Any) -> Iterator[io.StringIO]:  # noqa: ANN401 - a module
    """
    Put *handler* into the sandbox, whose are its `bootstrap` and its time; give its metrics.

    Whatever it writes, though it is killed, holds nothing of what it must not.
    """
    metrics, log = io.StringIO(), io.StringIO()
    handler.logger.setLevel("DEBUG")
    try:
        with (
            patch.object(handler, "bootstrap", sandbox),
            patch.object(handler, "time", sandbox.clock),
            patch.object(handler.logger.registered_handler, "stream", log),
            patch.object(dynamo_table, "ThreadPoolExecutor", InlinePool),
            patch.object(sqs, "ThreadPoolExecutor", InlinePool),
            patch.object(tencent_api, "ThreadPoolExecutor", InlinePool),
            redirect_stdout(metrics),
        ):
            yield metrics
    finally:
        text = metrics.getvalue() + log.getvalue()
        assert TOKEN not in text
        assert is_silent(text)
