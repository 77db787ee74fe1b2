"""What went in against what came out, from three sides that know nothing of each other."""

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.demo.callbacks import Event, Fate
from local.metrics import Place, publish_metrics
from local.pipeline import Pipeline

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

#: Fates of events that never reach the queue.
AT_THE_DOOR = frozenset({Fate.PASSED, Fate.TURNED_AWAY, Fate.MALFORMED})

#: Long enough to see each of very many dead letters once before the first comes back.
_LOOK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message on the dead-letter queue; *encoding* is "base64" where its body is no text."""

    code: str
    sentence: str
    request_id: str
    encoding: str
    body: str

    @property
    def original(self) -> bytes:
        """The bytes that arrived."""
        return b64decode(self.body) if self.encoding == "base64" else self.body.encode()


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the accounting: what was to be, and what is."""

    what: str
    expected: int
    found: int
    #: Beyond the numbers: what of what was expected is not there, and what else is.
    missing: frozenset[str] = frozenset()
    excess: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Tell whether nothing is missing and nothing too much."""
        return self.expected == self.found and not self.missing and not self.excess


@dataclass(frozen=True, slots=True)
class Findings:
    """What is there, once all is quiet. *decided* counts decisions by rule and action."""

    blocked: frozenset[str]
    dead_letters: Sequence[DeadLetter]
    waiting: int
    turned_away: int
    counted: Mapping[str, int]
    decided: Mapping[tuple[str, str], int] = field(default_factory=dict)


def find(pipeline: Pipeline, counted: Mapping[str, int], *, turned_away: int) -> Findings:
    """Ask the blocklist and the queues; *counted* is what the functions' own metrics say."""
    return Findings(
        blocked=frozenset(pipeline.double.blocked),
        dead_letters=read_dead_letters(pipeline),
        waiting=pipeline.waiting(),
        turned_away=turned_away,
        counted=counted,
        decided=read_decisions(pipeline),
    )


def account(events: Sequence[Event], findings: Findings) -> Iterator[Check]:
    """Hold what was found against what must have become of *events*."""
    fates = Counter(event.fate for event in events)
    to_block = frozenset(event.blocks for event in events if event.blocks)
    counted = findings.counted
    queued = sum(number for fate, number in fates.items() if fate not in AT_THE_DOOR)
    settled = fates[Fate.BLOCKED] + fates[Fate.STRUCK] + fates[Fate.IGNORED]
    dead = queued - settled
    yield Check("events posted", len(events), findings.turned_away + counted["Events"])
    yield Check("  turned away: wrong token", fates[Fate.TURNED_AWAY], findings.turned_away)
    yield Check("  counted by the door", len(events) - fates[Fate.TURNED_AWAY], counted["Events"])
    yield Check("messages on the queue", queued, counted["Received"] - counted["Retried"])
    # Of several strikes the last is accepted; which batch that is in depends on the queue.
    yield Check("  accepted or ignored", settled, counted["Accepted"] + counted["Ignored"])
    yield Check("  dead letters", dead, counted["DeadLettered"])
    yield Check("  still waiting", 0, findings.waiting)
    yield Check(
        "addresses blocked, each once",
        len(to_block),
        len(findings.blocked),
        missing=to_block - findings.blocked,
        excess=findings.blocked - to_block,
    )
    for rule, number in Counter(event.rule for event in events if event.rule).items():
        decided = sum(count for (name, _), count in findings.decided.items() if name == rule)
        yield Check(f"decided by {rule!r}", number, decided)
    found = Counter(letter.code for letter in findings.dead_letters)
    yield Check("dead letters, the door's too", dead + fates[Fate.MALFORMED], found.total())
    for fate in Fate:
        if fate.error_code:
            yield Check(f"  {fate.error_code}", fates[fate], found[fate.error_code])


def read_dead_letters(pipeline: Pipeline) -> list[DeadLetter]:
    """Look at every dead letter and put it back."""
    sqs: SQSClient = pipeline.aws.client("sqs")
    queue_url = pipeline.stack.outputs["DeadLetterQueueUrl"]
    taken: list[MessageTypeDef] = []
    while messages := _take(sqs, queue_url):
        taken += messages
    for message in taken:
        sqs.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    return [_dead_letter(message) for message in taken]


def _take(sqs: "SQSClient", queue_url: str) -> "list[MessageTypeDef]":
    return sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        VisibilityTimeout=_LOOK_SECONDS,
    ).get("Messages", [])


def _dead_letter(message: "MessageTypeDef") -> DeadLetter:
    texts = {
        name: attribute.get("StringValue", "")
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    return DeadLetter(
        code=texts.get("ErrorCode", "(received too often)"),
        sentence=texts.get("ErrorMessage", ""),
        request_id=texts.get("RequestId", ""),
        encoding=texts.get("BodyEncoding", ""),
        body=message["Body"],
    )


def read_metrics(pipeline: Pipeline, place: Place) -> Counter[str]:
    """
    Sum each metric over its service, as CloudWatch has it.

    *place* says what of the functions' logs was made into metrics before.
    """
    publish_metrics(pipeline.aws, pipeline.stack.log_groups, place=place)
    cloudwatch: Any = pipeline.aws.client("cloudwatch")
    sums: Counter[str] = Counter()
    for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="SesBlocklist"):
        for metric in page["Metrics"]:
            names = [dimension["Name"] for dimension in metric["Dimensions"]]
            if names == ["service"]:
                sums[metric["MetricName"]] = _sum(cloudwatch, metric)
    return sums


def read_decisions(pipeline: Pipeline) -> Counter[tuple[str, str]]:
    """Sum the decisions by rule and action, as CloudWatch has them."""
    cloudwatch: Any = pipeline.aws.client("cloudwatch")
    sums: Counter[tuple[str, str]] = Counter()
    pages = cloudwatch.get_paginator("list_metrics").paginate(
        Namespace="SesBlocklist", MetricName="Decisions"
    )
    for metric in (metric for page in pages for metric in page["Metrics"]):
        values = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        if "Rule" in values:  # there is a sum without it, too
            sums[values["Rule"], values["Decision"]] += _sum(cloudwatch, metric)
    return sums


def _sum(cloudwatch: Any, metric: Any) -> int:  # noqa: ANN401 - boto3 without stubs
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=metric["Namespace"],
        MetricName=metric["MetricName"],
        Dimensions=metric["Dimensions"],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))
