"""
What published handlers for the same kind of job lose with nothing broken around them.

Only those that somebody ran and wrote down what happened; written anew from that, none of it is
their code. Both read notifications of Amazon SES from SQS and suppress who bounced.

No public handler does this for Tencent's callbacks. In place of one stands the benchmark's, as
tutorials show it, on the SDK's own sample code; that one meets two faults and is really run.

None of them has a queue for dead letters, so that a message that was delivered too often is gone.
"""

import json
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from unittest.mock import patch

from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from bench.naive_lambda import lambda_handler as tutorial
from local.tencent import faults
from local.tencent.double import TencentDouble

#: The kind of a notification, and whom it is about.
Notification: TypeAlias = tuple[str, str]
#: Takes a batch, and puts down whom it suppresses. An exception brings the whole batch back.
Handler: TypeAlias = Callable[[Sequence[Notification], set[str]], None]

BOUNCES, BATCH_SIZE, DELIVERIES = 500, 10, 3


def ends_at_the_first_delivery(batch: Sequence[Notification], suppressed: set[str]) -> None:
    """
    End without an error at the first notification that is no bounce.

    Run with a delivery and a bounce: the bounce was never suppressed, and both were deleted.
    """
    for kind, recipient in batch:
        if kind != "bounce":
            return
        suppressed.add(recipient)


def fails_at_every_bounce(batch: Sequence[Notification], _: set[str]) -> None:
    """Run with two bounces: an exception each time, before anybody was suppressed."""
    if any(kind == "bounce" for kind, _ in batch):
        raise UnboundLocalError("response")


#: Repository and file at the revision that was run: what it was seen to do.
PEERS: dict[str, Handler] = {
    "UKHomeOffice/acp-tf-lambda-ses-bounce-suppressor, lambda/function.py": (
        ends_at_the_first_delivery
    ),
    "qinjie/lambda-suppress-ses-bounced-emails, main.py": fails_at_every_bounce,
}


@dataclass(frozen=True, slots=True)
class PeerResult:
    """How many bounced, and how many of them nobody will ever hear of again."""

    handler: str
    bounces: int
    suppressed: int

    @property
    def lost(self) -> int:
        """Those that are neither suppressed nor anywhere else."""
        return self.bounces - self.suppressed


def results() -> Iterator[PeerResult]:
    """Give each of them as many deliveries as bounces, in any order but the same each time."""
    for name, handler in PEERS.items():
        notifications = [("bounce", f"bounced-{number}@example.com") for number in range(BOUNCES)]
        notifications += [("delivery", f"living-{number}@example.com") for number in range(BOUNCES)]
        random.Random(7).shuffle(notifications)  # noqa: S311 - no secret
        yield PeerResult(name, BOUNCES, len(suppressed_by(handler, notifications)))


def tutorial_results() -> Iterator[PeerResult]:
    """Give the tutorial's handler bounces, with one thing wrong at a time."""
    recipients = [f"bounced-{number}@example.com" for number in range(BOUNCES)]
    bodies = [_callback(recipient) for recipient in recipients]
    # The SDK takes it for a success, as it looks at the content type first.
    silent = faults.error("InternalError", content_type="text/html")
    name = "a tutorial's, errors of Tencent under another content type"
    yield PeerResult(name, BOUNCES, len(tutorial_blocks(bodies, silent)))
    # One message of each batch is no JSON; what comes after it is never reached.
    dice = random.Random(7)  # noqa: S311 - no secret
    messages: list[str] = []
    for start in range(0, BOUNCES, BATCH_SIZE - 1):
        batch = bodies[start : start + BATCH_SIZE - 1]
        batch.insert(dice.randrange(len(batch) + 1), "no JSON")
        messages += batch
    name = "a tutorial's, one message of ten is junk"
    yield PeerResult(name, BOUNCES, len(tutorial_blocks(messages)))


def tutorial_blocks(bodies: Sequence[str], fault: faults.Fault | None = None) -> set[str]:
    """Deliver *bodies* in batches, what failed again, and give whom the double lists."""
    with TencentDouble(
        secret_id="id", secret_key="key", max_requests_per_second=1_000_000
    ) as double:
        environment = {"TENCENTCLOUD_SECRET_ID": "id", "TENCENTCLOUD_SECRET_KEY": "key"}
        if fault:
            double.misbehave(fault, times=math.inf)
        with patch.dict(os.environ, {**environment, "SES_ENDPOINT": double.url}):
            for start in range(0, len(bodies), BATCH_SIZE):
                records = [{"body": body} for body in bodies[start : start + BATCH_SIZE]]
                _deliver_to_tutorial(records)
        return set(double.blocked)


def _deliver_to_tutorial(records: Sequence[dict[str, str]]) -> None:
    for _ in range(DELIVERIES):
        try:
            tutorial({"Records": records}, None)
        except (ValueError, TencentCloudSDKException):
            continue
        break


def _callback(recipient: str) -> str:
    return json.dumps({"event": "bounce", "bounceType": "hard_bounce", "email": recipient})


def suppressed_by(handler: Handler, notifications: Sequence[Notification]) -> set[str]:
    """Deliver *notifications* in batches, what failed again, and give who was suppressed."""
    suppressed: set[str] = set()
    for start in range(0, len(notifications), BATCH_SIZE):
        for _ in range(DELIVERIES):
            try:
                handler(notifications[start : start + BATCH_SIZE], suppressed)
            except UnboundLocalError:
                continue
            break
    return suppressed
