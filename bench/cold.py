"""
Rows: the first event in a new sandbox, against the clients alone; then what comes after.

Each side is a fresh interpreter that makes the same calls to the same servers: a token or a key
from SSM, then a message to SQS or a request to Tencent. A bare interpreter's time is taken off
both. So what is between them is ours: handler, library, Powertools, settings.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.first_event import OFTEN, TOKEN
from bench.measure import Ratio
from bench.rows import Row, at_most, exactly
from bench.sandbox import ENVIRONMENT, SECRET_ID, SECRET_KEY
from bench.servers import serving
from bench.workload import full_payload
from local.emulator import Emulator
from local.pipeline import REGION

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

ROUNDS = 9
#: Our function: what to run for it, and for its clients alone.
FUNCTIONS = {
    "receive_callback": ("door", "door_clients"),
    "block_recipients": ("consumer", "consumer_clients"),
}
COLD = at_most(1.25)
#: Either costs a cold start more than everything that is ours.
NOT_WANTED = frozenset({"pydantic", "aws_xray_sdk"})
PEAK = at_most(160)
WARM_DOOR = "CPU for a callback at the warm door"
FULL_BATCH = "peak memory for a full batch of 6 MB"

_ROOT = Path(__file__).parent.parent
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class _Run:
    seconds: float
    modules: list[str]
    peak_bytes: int
    log_bytes: int


def rows() -> Iterator[Row]:
    """Measure both functions cold, the door warm, and the consumer with a full batch."""
    with _environment() as environment:
        for function, (ours, clients) in FUNCTIONS.items():
            whats = ("nothing", clients, ours)
            rounds = [[_run(what, environment) for what in whats] for _ in range(ROUNDS)]
            yield from _cold_rows(function, rounds)
        yield _warm_door_row(
            _run("door", environment), [_run("door_often", environment) for _ in range(ROUNDS)]
        )
        yield _memory_row(_run("full_batch", environment, payload=full_payload()))


def _cold_rows(function: str, rounds: list[list[_Run]]) -> Iterator[Row]:
    ratio = Ratio.of(
        [ours.seconds - nothing.seconds for nothing, _, ours in rounds],
        [clients.seconds - nothing.seconds for nothing, clients, _ in rounds],
    )
    yield Row(
        f"first event of {function}",
        ratio.value,
        "x its clients alone",
        COLD,
        low=ratio.low,
        high=ratio.high,
        details={"seconds": ratio.ours, "seconds_of_clients": ratio.theirs},
    )
    loaded = rounds[0][-1].modules
    unwanted = NOT_WANTED.intersection(name.partition(".")[0] for name in loaded)
    yield Row(
        f"pydantic or X-Ray loaded by {function}",
        len(unwanted),
        "of 2",
        exactly(0),
        exact=True,
        details={"unwanted": sorted(unwanted), "modules": len(loaded)},
    )


def _warm_door_row(once: _Run, often: list[_Run]) -> Row:
    seconds = [(run.seconds - once.seconds) / (OFTEN - 1) for run in often]
    low, middle, high = quantiles(seconds, n=4, method="inclusive")
    return Row(
        WARM_DOOR,
        middle * 1000,
        "ms",
        low=low * 1000,
        high=high * 1000,
        details={"log_bytes": once.log_bytes},
    )


def _memory_row(run: _Run) -> Row:
    peak = run.peak_bytes / _MEGABYTE
    return Row(FULL_BATCH, peak, "MB", PEAK, details={"log_bytes": run.log_bytes})


@contextmanager
def _environment() -> Iterator[Mapping[str, str]]:
    """Start what the functions talk to, and give what Lambda would set."""
    with serving() as tencent, Emulator(region=REGION) as aws:
        sqs: SQSClient = aws.client("sqs")
        ssm: SSMClient = aws.client("ssm")
        key = json.dumps({"secret_id": SECRET_ID, "secret_key": SECRET_KEY})
        for name, value in (("/tokens", TOKEN), ("/key", key)):
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
        direct = {"TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"}
        yield {
            **{name: value for name, value in ENVIRONMENT.items() if name not in direct},
            "PATH": os.defpath,
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "QUEUE_URL": sqs.create_queue(QueueName="events")["QueueUrl"],
            "DEAD_LETTER_QUEUE_URL": sqs.create_queue(QueueName="dead-letters")["QueueUrl"],
            "CALLBACK_TOKENS_PARAMETER": "/tokens",
            "TENCENT_CREDENTIALS_PARAMETER": "/key",
            "TENCENT_SES_ENDPOINT": tencent.url,
        }


def _run(what: str, environment: Mapping[str, str], *, payload: bytes = b"") -> _Run:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bench.first_event", what],
        input=payload,
        stdout=subprocess.PIPE,
        env=dict(environment),
        cwd=_ROOT,
        check=True,
    )
    *log, told = done.stdout.splitlines(keepends=True)
    return _Run(log_bytes=sum(map(len, log)), **json.loads(told))
