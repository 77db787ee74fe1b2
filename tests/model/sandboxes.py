"""
The real handlers in a sandbox of their own, wired as `bootstrap` wires them.

A sandbox stands in for the module `bootstrap`: one instance is what one Lambda sandbox keeps for
its life. Only clients, clocks and the SDK's transport are the model's.
"""

import base64
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
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
from tests.model.dynamo import Purpose, Table, TableClient, TableFault
from tests.model.events import EXPECTED_APP, is_silent
from tests.model.queues import DEAD, SOURCE, QueueClient, QueueFault, Queues
from tests.model.tencent import CREATE, DELETE, UNTOLD, ApiFault, Tencent, Wish

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
    """
    What goes wrong in one invocation, and after how many calls it is killed.

    By call to each other side, the first first; or wherever what is asked for is of one kind.
    """

    queue: Sequence[QueueFault] = ()
    table: Sequence[TableFault] = ()
    table_at: Mapping[Purpose, TableFault] = field(default_factory=dict)
    api: Sequence[ApiFault] = ()
    api_at: Mapping[Wish, ApiFault] = field(default_factory=dict)
    kill_in: int | None = None
    kill_after: Wish | None = None


class _Transport(tencent_api._Client):  # noqa: SLF001 - the SDK's client, without its connection
    def __init__(self, blocklist: "_Blocklist") -> None:
        self._blocklist = blocklist

    def call_json(self, action: str, params: Mapping[str, Any]) -> object:
        return self._blocklist.answer(action, params)


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
        self.starts: list[float] = []
        self.asked: set[str] = set()
        self.asked_alone: set[str] = set()
        self.taken_off: set[str] = set()
        self.unanswered: set[str] = set()
        self.requests = 0
        self.met_wrong_settings_only = True
        self._deadline = 0.0
        self._script: list[ApiFault] = []
        self._faults = Faults()
        self._server = server
        self._sandbox_clock = clock
        self._timeout_seconds = 0.0

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        self._timeout_seconds = timeout_seconds
        return super().add(recipients, until=until, timeout_seconds=timeout_seconds)

    def remove(self, recipients: Sequence[str], *, timeout_seconds: float) -> Answer:
        self._timeout_seconds = timeout_seconds
        return super().remove(recipients, timeout_seconds=timeout_seconds)

    def begin(self, faults: Faults, *, deadline: float) -> None:
        """Forget what was done before this invocation."""
        self._faults, self._script, self._deadline = faults, list(faults.api), deadline
        self.asked, self.asked_alone, self.taken_off = set(), set(), set()
        self.unanswered = set()
        self.requests = 0
        self.met_wrong_settings_only = True

    def answer(self, action: str, params: Mapping[str, Any]) -> object:
        now, emails = self._sandbox_clock.now, params["Emails"]
        assert now + self._timeout_seconds <= self._deadline - HAND_BACK_SECONDS
        assert len(set(emails)) == len(emails) > 0
        assert len(self.starts) < REQUESTS_PER_SECOND or (
            now - self.starts[-REQUESTS_PER_SECOND] >= 1 - TICK
        )
        self.starts.append(now)
        self.requests += 1
        self.met_wrong_settings_only &= self._server.settings_wrong
        if action == DELETE:
            assert set(params) == {"Emails"}
            wish = Wish.REMOVAL
        else:
            assert action == CREATE
            assert set(params) <= {"Emails", "ExpireDate"}
            wish = Wish.TERM if "ExpireDate" in params else Wish.FOR_GOOD
            if self.taken_off.intersection(emails):
                wish = Wish.RENEWAL
        fault = self._next_fault(wish)
        self._note(emails, wish, fault)
        try:
            return self._server.call(
                action, params, self._sandbox_clock, self._timeout_seconds, fault
            )
        finally:
            self.met_wrong_settings_only &= self._server.settings_wrong
            if self._faults.kill_after is wish:
                self._sandbox_clock.kill_in = 0

    def _note(self, emails: Sequence[str], wish: Wish, fault: ApiFault) -> None:
        if fault in UNTOLD:
            self.unanswered.update(emails)
        if wish is Wish.REMOVAL:
            self.taken_off.update(emails)
            return
        self.asked.update(emails)
        if len(emails) == 1:
            self.asked_alone.update(emails)

    def _next_fault(self, wish: Wish) -> ApiFault:
        if wish in self._faults.api_at:
            return self._faults.api_at[wish]
        return self._script.pop(0) if self._script else ApiFault.NONE


class Sandbox:
    """What one sandbox keeps; its methods are those of `bootstrap` that the handlers call."""

    def __init__(
        self, queues: Queues, server: Tencent, table: Table | None, *, max_recipients: int
    ) -> None:
        self.clock = SandboxClock()
        self.metrics, self.log = io.StringIO(), io.StringIO()
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

    @property
    def could_write(self) -> bool:
        """Tell whether the ledger took whatever was written."""
        return not (self._table and self._table.failed)

    @property
    def was_alone(self) -> bool:
        """Tell whether nobody changed a history in the ledger meanwhile."""
        return not (self._table and self._table.come_between)

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

    def post(self, body: bytes, *, token: str, faults: Faults) -> int:
        """Run the door's handler; give the status that it answers."""
        event = {
            "requestContext": {"http": {"method": "POST"}},
            "rawPath": f"/callbacks/{token}",
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = self._invoke(receive_handler, event, seconds=DOOR_SECONDS, faults=faults)
        status: int = answer["statusCode"]
        return status

    def block(
        self, records: Sequence[Mapping[str, Any]], *, seconds: float, faults: Faults
    ) -> tuple[bytes, dict[str, Any]]:
        """Run the consumer's handler; give its answer as Lambda does, and its line of metrics."""
        self.api.begin(faults, deadline=self.clock.now + seconds)
        answer = self._invoke(block_handler, {"Records": records}, seconds=seconds, faults=faults)
        metrics, *others = map(json.loads, self.metrics.getvalue().splitlines())
        letters = sum(line["DeadLetters"][0] for line in others if "DeadLetters" in line)
        assert metrics["DeadLettered"][0] == letters
        return json.dumps(answer).encode(), metrics

    def _invoke(
        self,
        handler: Any,  # noqa: ANN401 - a module
        event: Mapping[str, Any],
        *,
        seconds: float,
        faults: Faults,
    ) -> dict[str, Any]:
        """Whatever is written, though it is killed, holds nothing of what it must not."""
        self.metrics, self.log = io.StringIO(), io.StringIO()
        self.clock.kill_in = faults.kill_in
        self.client.begin(faults.queue)
        if self._table:
            self._table.begin(faults.table, faults.table_at)
        end = self.clock.now + seconds
        AT_WORK.set(self)
        try:
            answer: dict[str, Any] = handler.lambda_handler(event, FakeContext(seconds))
        finally:
            text = self.metrics.getvalue() + self.log.getvalue()
            assert TOKEN not in text
            assert is_silent(text)
        assert self.clock.now <= end
        return answer

    def _sender(self, queue_url: str) -> sqs.SqsSender:
        return sqs.SqsSender(
            lambda: self.client,  # type: ignore[arg-type,return-value]  # a fake
            queue_url,
            clock=self.clock,
            sleep=self.clock.sleep,
        )


#: Whose code it is that runs. Every task has its own.
AT_WORK: ContextVar[Sandbox] = ContextVar("AT_WORK")


class _AtWork:
    """What a module finds in the place of something: what belongs to the sandbox at work."""

    def __init__(self, part: Callable[[Sandbox], object], *, otherwise: object = None) -> None:
        self._part = part
        self._otherwise = otherwise

    def __getattr__(self, name: str) -> object:
        sandbox = AT_WORK.get(None)
        return getattr(self._part(sandbox) if sandbox else self._otherwise, name)


def install() -> ExitStack:
    """Let both handlers find the sandbox at work in the place of what is the process's own."""
    patches = ExitStack()
    bootstrap, clock = _AtWork(lambda sandbox: sandbox), _AtWork(lambda sandbox: sandbox.clock)
    metrics = _AtWork(lambda sandbox: sandbox.metrics, otherwise=sys.stdout)
    log = _AtWork(lambda sandbox: sandbox.log)
    patches.enter_context(patch.object(sys, "stdout", metrics))
    for handler in (receive_handler, block_handler):
        handler.logger.setLevel("DEBUG")
        patches.enter_context(patch.object(handler, "bootstrap", bootstrap))
        patches.enter_context(patch.object(handler, "time", clock))
        patches.enter_context(patch.object(handler.logger.registered_handler, "stream", log))
    for module in (dynamo_table, sqs, tencent_api):
        patches.enter_context(patch.object(module, "ThreadPoolExecutor", InlinePool))
    return patches
