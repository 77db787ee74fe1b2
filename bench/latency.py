"""Row: from a callback's arrival to the blocklist, on the stack of `make demo`."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import requests

from bench.measure import percentile
from bench.rows import Row, at_most
from local.demo.callbacks import DOCUMENTED_CALLBACK
from local.pipeline import Pipeline, running_pipeline

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

CALLBACKS = 100
PAUSE_SECONDS = 0.1
P95 = at_most(15)
PATIENCE_SECONDS = 60


def rows() -> Iterator[Row]:
    """Post callbacks one after the other, for some windows' length, and wait for each."""
    with running_pipeline() as pipeline:
        posted = _post_all(pipeline)
        pipeline.double.wait_until(
            lambda: posted.keys() <= pipeline.double.blocked.keys(),
            timeout_seconds=PATIENCE_SECONDS,
        )
        blocked = _blocked_at(pipeline)
        window = _window_seconds(pipeline)
    if missing := posted.keys() - blocked.keys():
        raise RuntimeError(f"{len(missing)} of {CALLBACKS} were not blocked")
    seconds = [blocked[recipient] - at for recipient, at in posted.items()]
    yield Row(
        "callback to blocked, 19 of 20, less the window",
        percentile(seconds, 95) - window,
        "s",
        P95,
        details={"median_seconds": percentile(seconds, 50) - window, "window_seconds": window},
    )


def _post_all(pipeline: Pipeline) -> Mapping[str, float]:
    """Give each recipient, and when its callback began to be sent (monotonic)."""
    posted = {}
    with requests.Session() as session:
        session.trust_env = False
        for number in range(CALLBACKS):
            recipient = f"latency-{number}@example.com"
            callback = json.loads(DOCUMENTED_CALLBACK) | {"email": recipient}
            posted[recipient] = time.monotonic()
            session.post(pipeline.callback_url, json=callback, timeout=30).raise_for_status()
            time.sleep(PAUSE_SECONDS)
    return posted


def _blocked_at(pipeline: Pipeline) -> Mapping[str, float]:
    return {
        email: request.started_at
        for request in reversed(pipeline.double.requests)
        for email in request.emails
    }


def _window_seconds(pipeline: Pipeline) -> int:
    client: LambdaClient = pipeline.aws.client("lambda")
    mapping = client.get_event_source_mapping(UUID=pipeline.stack.outputs["EventSourceMapping"])
    return mapping.get("MaximumBatchingWindowInSeconds", 0)
