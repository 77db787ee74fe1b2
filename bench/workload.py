"""
What is measured with: a batch as SQS hands it over, made of callbacks as Tencent documents them.

A tenth are complaints, two thirds of the bounces are hard, and eight recipients stand for ten
events. The replies are those that servers document, as long as Tencent hands them on.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.demo.callbacks import DOCUMENTED_CALLBACK
from local.poller.records import serialise

#: So many records of ours fit into the 6 MB that Lambda takes.
FULL_BATCH = 3800
PAYLOAD_BYTES = 6_291_456
#: So much of a reply Tencent hands on.
REPLY_CHARACTERS = 128

_REPLIES = Path(__file__).parent.parent / "tests" / "data" / "documented_replies.txt"
#: Recipients of most companies are with a few providers, the rest with one each.
_DOMAINS = ("gmail.example", "qq.example", "163.example", "outlook.example")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Workload:
    """Callbacks, and what must become of them when the label decides."""

    callbacks: Sequence[Mapping[str, Any]]

    @cached_property
    def bodies(self) -> Sequence[str]:
        """Messages as they lie on the queue."""
        return [json.dumps(callback) for callback in self.callbacks]

    @cached_property
    def records(self) -> list[Record]:
        """The same as the event source mapping hands them over."""
        return [_record(number, body) for number, body in enumerate(self.bodies)]

    @cached_property
    def recipients(self) -> frozenset[str]:
        """Whom Tencent's label says to block."""
        return frozenset(
            callback["email"]
            for callback in self.callbacks
            if callback["event"] == "spamreport" or callback["bounceType"] == "hard_bounce"
        )


def make_workload(events: int = FULL_BATCH, *, seed: int = 7) -> Workload:
    """Make *events* callbacks: the same for the same *seed*."""
    return Workload(list(_callbacks(events, random.Random(seed))))  # noqa: S311 - no secret


def full_payload() -> bytes:
    """Make an invocation's payload of just under 6 MB."""
    records = make_workload(2 * FULL_BATCH).records
    while len(payload := serialise({"Records": records})) > PAYLOAD_BYTES:
        records = records[: len(records) * PAYLOAD_BYTES // len(payload)]
    return payload


def _callbacks(events: int, dice: random.Random) -> Iterator[Mapping[str, Any]]:
    documented, replies = json.loads(DOCUMENTED_CALLBACK), _replies()
    # Drawn with repetition from 2.2 times as many, as often as there are events, eight in ten
    # are another.
    people = [_person(number, dice) for number in range(max(1, events * 11 // 5))]
    for number in range(events):
        complains, is_hard = dice.random() < 0.1, dice.random() < 2 / 3  # noqa: PLR2004
        yield documented | {
            "event": "spamreport" if complains else "bounce",
            "email": dice.choice(people),
            "bounceType": "" if complains else "hard_bounce" if is_hard else "soft_bounce",
            "bulkId": f"qcloudses-30-251200670-date-20251027170807-{number:013d}",
            "timestamp": 1_761_555_490 + number,
            "reason": dice.choice(replies),
        }


def _person(number: int, dice: random.Random) -> str:
    domain = dice.choice((*_DOMAINS, f"company-{number % 997}.example.com"))
    return f"first.last-{number}@{domain}"


def _replies() -> Sequence[str]:
    lines = _REPLIES.read_text(encoding="utf-8").splitlines()
    texts = [line.split(" | ", 3)[3] for line in lines if line and not line.startswith("#")]
    return [text.replace("\\n", "\n")[:REPLY_CHARACTERS] for text in texts]


def _record(number: int, body: str) -> Record:
    return {
        "messageId": f"{number:08x}-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": f"AQEB{number:08x}" + "wJnKyrHigUMZj6rYigCgxlaS3SLy0a" * 13,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1761555491000",
            "SenderId": "AROA1234567890EXAMPLE:ses-blocklist-receiveCallback",
            "ApproximateFirstReceiveTimestamp": "1761555500000",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:ap-southeast-1:123456789012:ses-blocklist-events",
        "awsRegion": "ap-southeast-1",
    }
