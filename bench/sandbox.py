"""The consumer's handler in this process, as in a sandbox of Lambda's."""

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.context import Context
from functions.block_recipients.handler import lambda_handler
from functions.blocklist import bootstrap
from functions.blocklist.services.ports import Answer, Blocklist, Counts

SECRET_ID, SECRET_KEY = "AKIDbench", "bench-secret-key"

#: What every variant has. Nobody listens to these queues: a workload needs none of them.
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "QUEUE_URL": "http://127.0.0.1:9/queue",
    "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:9/dead-letters",
    "TENCENTCLOUD_SECRET_ID": SECRET_ID,
    "TENCENTCLOUD_SECRET_KEY": SECRET_KEY,
}

#: What lets Tencent's label alone decide: the same events are blocked whatever the replies say.
BY_LABEL: Mapping[str, str] = {"POLICY_FILE": str(Path(__file__).with_name("by_label.toml"))}

#: Takes records, gives the handler's answer.
Handle = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]]


class CountingBlocklist:
    """Takes every recipient at once, without a network."""

    max_recipients = 1000

    def __init__(self) -> None:
        self.requests = 0

    def shrink(self, refused_size: int) -> None:
        """Never asked for."""

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        """Say that all of them are new."""
        del until, timeout_seconds
        self.requests += 1
        return Answer(f"request-{self.requests}", Counts(len(recipients), 0, 0, len(recipients)))

    def remove(self, recipients: Sequence[str], *, timeout_seconds: float) -> Answer:
        """Never asked for: nobody's term grows."""
        raise NotImplementedError


class NoPacer:
    """Lets every request start at once."""

    def wait(self, *, before: float) -> bool:
        """Never wait."""
        del before
        return True


@contextmanager
def sandbox(
    environment: Mapping[str, str], *, blocklist: Blocklist | None = None
) -> Iterator[Handle]:
    """
    Start a sandbox with *environment* and give its handler, for one at a time.

    With a *blocklist* no request leaves this process, and none waits for its turn.
    """
    _forget()
    with patch.dict(os.environ, {**ENVIRONMENT, **environment}), ExitStack() as fakes:
        if blocklist:
            fakes.enter_context(patch.object(bootstrap, "blocklist", lambda: blocklist))
            fakes.enter_context(patch.object(bootstrap, "pacer", NoPacer))
        yield _handle
    _forget()


def _handle(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    with redirect_stdout(io.StringIO()):
        answer: Mapping[str, Any] = lambda_handler({"Records": records}, Context())  # type: ignore[arg-type]  # a stand-in
    if answer["batchItemFailures"]:
        raise RuntimeError(
            f"{len(answer['batchItemFailures'])} messages failed: nothing to compare"
        )
    return answer


def _forget() -> None:
    for builder in vars(bootstrap).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()
