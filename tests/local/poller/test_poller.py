"""The poller against a real queue, and most often a real function, in the emulator."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.aws import Aws
from local.poller import Poller, RefusedToStartError, in_process
from local.poller.consumer_queue import QueueError
from local.poller.switch import Switch
from local.quirks import set_mapping_state
from local.stack import deploy
from tests.local.templates import CONSUMER_ACTIONS, make_artifact, make_template
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

#: Fails the messages whose body says so, in the way it says.
HANDLER = """
import time
def handler(event, context):
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    for body in bodies.values():
        if body == "raise":
            raise ValueError
        if body == "timeout":
            time.sleep(60)
        if body == "unknown":
            return {"batchItemFailures": [{"itemIdentifier": "nobody"}]}
        if body == "string":
            return "a bare string"
    return {"batchItemFailures": [
        {"itemIdentifier": id_} for id_, body in bodies.items() if body == "poison"
    ]}
"""


@dataclass
class Pipeline:
    """A deployed queue with its dead-letter queue and a mapping."""

    aws: Aws
    mapping_uuid: str
    queue_url: str
    dead_letter_queue_url: str
    sqs: "SQSClient" = field(init=False)

    def __post_init__(self) -> None:
        self.sqs = self.aws.client("sqs")

    def send(self, bodies: Sequence[str]) -> None:
        for start in range(0, len(bodies), 10):
            self.sqs.send_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(position), "MessageBody": body}
                    for position, body in enumerate(bodies[start : start + 10])
                ],
            )

    def count(self, queue_url: str) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"]) + int(
            answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
        )

    def count_waiting(self) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def state(self) -> str:
        lambda_client: LambdaClient = self.aws.client("lambda")
        return lambda_client.get_event_source_mapping(UUID=self.mapping_uuid)["State"]


def make_pipeline(
    aws: Aws,
    folder: Path,
    *,
    max_receives: int = 10,
    visibility_seconds: int = 30,
    actions: tuple[str, ...] = CONSUMER_ACTIONS,
    **mapping: object,
) -> Pipeline:
    template = make_template(
        actions=actions,
        function={"Timeout": 1},
        mapping={"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0} | mapping,
        queue={
            "VisibilityTimeout": visibility_seconds,
            "RedrivePolicy": {
                "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
                "maxReceiveCount": max_receives,
            },
        },
        more={"DeadLetterQueue": {"Type": "AWS::SQS::Queue"}},
    )
    template["Outputs"]["DeadLetterQueueUrl"] = {"Value": {"Ref": "DeadLetterQueue"}}
    artifact = make_artifact(folder, HANDLER)
    outputs = deploy(aws, template, artifact, {"TencentSesEndpoint": "e"}).outputs
    return Pipeline(
        aws,
        mapping_uuid=outputs["EventSourceMapping"],
        queue_url=outputs["QueueUrl"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
    )


@dataclass
class Recorder:
    """A handler that keeps the events it gets and succeeds."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, event: dict[str, Any], _context: object) -> None:
        self.events.append(event)

    @property
    def sizes(self) -> list[int]:
        return [len(event["Records"]) for event in self.events]


def test_batches_are_as_large_as_the_mapping_allows(aws: Aws, tmp_path: Path) -> None:
    """The emulator's own poller never gives more than ten messages at a time."""
    pipeline = make_pipeline(aws, tmp_path, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    pipeline.send([f"body {n}" for n in range(450)])
    recorder = Recorder()

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(recorder)) as poller:
        wait_until(lambda: poller.counts.deleted == 450)

    assert max(recorder.sizes) == 100
    assert sum(recorder.sizes) == 450
    assert len(recorder.sizes) <= 6  # each of the two collectors ends with a short one
    assert pipeline.count(pipeline.queue_url) == 0


def test_window_brings_messages_together(aws: Aws, tmp_path: Path) -> None:
    """One by one they would be five batches; two collectors make at most two."""
    pipeline = make_pipeline(aws, tmp_path, MaximumBatchingWindowInSeconds=1)
    recorder = Recorder()

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(recorder)) as poller:
        for _ in range(5):
            pipeline.send(["body"])
            wait_until(lambda: pipeline.count_waiting() == 0)
        wait_until(lambda: poller.counts.deleted == 5)

    assert len(recorder.events) <= 2


def test_record_is_as_lambda_gives_it(aws: Aws, tmp_path: Path) -> None:
    pipeline = make_pipeline(aws, tmp_path)
    pipeline.sqs.send_message(
        QueueUrl=pipeline.queue_url,
        MessageBody="größe",
        MessageAttributes={"Origin": {"DataType": "String", "StringValue": "operator"}},
    )
    recorder = Recorder()

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(recorder)) as poller:
        wait_until(lambda: poller.counts.deleted == 1)

    [record] = recorder.events[0]["Records"]
    assert record["body"] == "größe"
    assert record["messageAttributes"]["Origin"]["stringValue"] == "operator"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert set(record["attributes"]) >= {
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert record["awsRegion"] == aws.region


def test_reported_messages_come_back_until_they_are_dead_letters(aws: Aws, tmp_path: Path) -> None:
    pipeline = make_pipeline(aws, tmp_path, max_receives=2, visibility_seconds=2)
    pipeline.send([*["good"] * 23, "poison", "poison"])

    with Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: pipeline.count(pipeline.dead_letter_queue_url) == 2)

    assert poller.counts.deleted == 23
    assert poller.counts.failed_invoke == 4  # each of the two, twice
    assert poller.counts.polled == 27
    assert pipeline.count(pipeline.queue_url) == 0


@pytest.mark.parametrize("answer", ["raise", "timeout", "unknown", "string"])
def test_failed_batch_is_left_to_the_dead_letter_queue(
    aws: Aws, tmp_path: Path, answer: str
) -> None:
    """All of it: here is where the emulator's own poller would delete good messages."""
    pipeline = make_pipeline(
        aws,
        tmp_path,
        max_receives=1,
        visibility_seconds=1,
    )
    pipeline.send([answer, "good", "good"])

    with Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: pipeline.count(pipeline.dead_letter_queue_url) == 3)

    assert poller.counts.deleted == 0
    assert poller.counts.failed_invoke == 3


def test_two_invocations_at_a_time_and_never_three(aws: Aws, tmp_path: Path) -> None:
    pipeline = make_pipeline(aws, tmp_path, BatchSize=1)
    pipeline.send(["body"] * 12)
    lock, in_flight, seen = threading.Lock(), [0], []

    def handler(_event: object, _context: object) -> None:
        with lock:
            in_flight[0] += 1
            seen.append(in_flight[0])
        time.sleep(0.1)  # room for a third to show itself
        with lock:
            in_flight[0] -= 1

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(handler)) as poller:
        wait_until(lambda: poller.counts.deleted == 12)

    assert max(seen) == 2


def test_nothing_is_received_that_cannot_be_invoked(aws: Aws, tmp_path: Path) -> None:
    """Else it would sit here while its visibility runs out, as with reserved concurrency."""
    pipeline = make_pipeline(aws, tmp_path, BatchSize=2)
    pipeline.send(["body"] * 10)
    running, release = threading.Semaphore(0), threading.Event()

    def handler(_event: object, _context: object) -> None:
        running.release()
        release.wait(30)

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(handler)) as poller:
        assert running.acquire(timeout=30)
        assert running.acquire(timeout=30)
        time.sleep(0.3)  # room for a receive too many to show itself
        polled = poller.counts.polled
        release.set()
        wait_until(lambda: poller.counts.deleted == 10)

    assert polled <= 4


def test_visibility_that_the_handler_chose_is_kept(aws: Aws, tmp_path: Path) -> None:
    """Back-off by ChangeMessageVisibility works: here at once instead of after 30 s."""
    pipeline = make_pipeline(aws, tmp_path)
    pipeline.send(["body"])
    receives: list[str] = []

    def handler(event: dict[str, Any], _context: object) -> object:
        [record] = event["Records"]
        receives.append(record["attributes"]["ApproximateReceiveCount"])
        if len(receives) == 2:
            return None
        pipeline.sqs.change_message_visibility(
            QueueUrl=pipeline.queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=0,
        )
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(handler)) as poller:
        wait_until(lambda: poller.counts.deleted == 1)

    assert receives == ["1", "2"]


def test_leaving_hands_over_what_is_buffered_and_waits_for_it(aws: Aws, tmp_path: Path) -> None:
    pipeline = make_pipeline(aws, tmp_path, MaximumBatchingWindowInSeconds=300)
    pipeline.send(["body"] * 3)

    with Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: poller.counts.polled == 3)

    assert poller.counts.invoked == 3
    assert poller.counts.deleted == 3
    assert pipeline.count(pipeline.queue_url) == 0


def test_leaving_hands_over_what_did_not_fit_into_a_batch(aws: Aws, tmp_path: Path) -> None:
    """Nine received at once are three times 6 MB: a quotation mark takes two bytes in JSON."""
    pipeline = make_pipeline(
        aws, tmp_path, BatchSize=100, MaximumBatchingWindowInSeconds=300, visibility_seconds=60
    )
    for _ in range(9):
        pipeline.send(['"' * 900_000])
    leaving = threading.Event()
    recorder = Recorder()

    def handler(event: dict[str, Any], context: object) -> None:
        recorder(event, context)
        leaving.wait(30)

    with Poller(aws, pipeline.mapping_uuid, invoke=in_process(handler)) as poller:
        wait_until(lambda: poller.counts.polled == 9)
        leaving.set()

    assert poller.counts.deleted == 9
    assert max(recorder.sizes) == 3


def test_nothing_is_received_while_the_mapping_is_off(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ses-blocklist pause` has to do here what it does in an account."""
    pipeline = make_pipeline(aws, tmp_path, Enabled=False)
    pipeline.send(["body"] * 3)
    lambda_client: LambdaClient = aws.client("lambda")
    asked = Counter[bool]()
    is_on = Switch.is_on

    def noting(switch: Switch) -> bool:
        answer = is_on(switch)
        asked[answer] += 1
        return answer

    monkeypatch.setattr(Switch, "is_on", noting)

    with Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: asked[False] >= 4)  # each of the two had its chance, twice
        taken_while_off = poller.counts.polled
        waiting_while_off = pipeline.count_waiting()
        set_mapping_state(lambda_client, pipeline.mapping_uuid, enabled=True)
        wait_until(lambda: poller.counts.deleted == 3)

    assert (taken_while_off, waiting_while_off) == (0, 3)


def test_emulator_leaves_the_queue_to_this_poller(aws: Aws, tmp_path: Path) -> None:
    """Else an enabled mapping has two pollers, one of them wrong."""
    pipeline = make_pipeline(aws, tmp_path, Enabled=True)
    pipeline.send(["body"])

    time.sleep(1.5)  # the emulator's own would look each second

    assert pipeline.count_waiting() == 1


def test_mapping_with_filters_is_refused_and_left_alone(aws: Aws, tmp_path: Path) -> None:
    filters = {"Filters": [{"Pattern": '{"body": {"event": ["bounce"]}}'}]}
    pipeline = make_pipeline(aws, tmp_path, FilterCriteria=filters, Enabled=True)

    with (
        pytest.raises(RefusedToStartError, match="FilterCriteria"),
        Poller(aws, pipeline.mapping_uuid),
    ):
        pass

    assert pipeline.state() == "Enabled"


def test_queue_is_read_with_the_functions_role(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing right must show here, not in the account."""
    actions = tuple(action for action in CONSUMER_ACTIONS if action != "sqs:ReceiveMessage")
    pipeline = make_pipeline(aws, tmp_path, actions=actions)
    pipeline.send(["body"])

    with caplog.at_level(logging.WARNING), Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: poller.counts.receive_errors > 1)

    assert poller.counts.polled == 0
    assert "AccessDenied" in caplog.text


def test_role_that_may_not_delete_sees_everything_again(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    actions = tuple(action for action in CONSUMER_ACTIONS if action != "sqs:DeleteMessage")
    pipeline = make_pipeline(aws, tmp_path, actions=actions)
    pipeline.send(["body"])

    with caplog.at_level(logging.WARNING), Poller(aws, pipeline.mapping_uuid) as poller:
        wait_until(lambda: poller.counts.undeleted == 1)

    assert poller.counts.deleted == 0
    assert "AccessDenied" in caplog.text
    assert pipeline.count(pipeline.queue_url) == 1


def test_role_that_may_not_read_the_queues_settings_does_not_start(
    aws: Aws, tmp_path: Path
) -> None:
    pipeline = make_pipeline(aws, tmp_path, actions=("sqs:ReceiveMessage", "sqs:DeleteMessage"))

    with pytest.raises(QueueError, match="AccessDenied"), Poller(aws, pipeline.mapping_uuid):
        pass


def test_error_that_nobody_foresaw_stops_the_poller_and_shows(aws: Aws, tmp_path: Path) -> None:
    pipeline = make_pipeline(aws, tmp_path)
    pipeline.send(["body"])

    def invoke(_event: object) -> tuple[bytes, None]:
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        Poller(aws, pipeline.mapping_uuid, invoke=invoke) as poller,
    ):
        wait_until(lambda: poller.counts.polled == 1)


def test_short_visibility_is_warned_of(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = make_pipeline(aws, tmp_path, visibility_seconds=5)

    with caplog.at_level(logging.WARNING), Poller(aws, pipeline.mapping_uuid):
        pass

    assert "visibility timeout of 5 s" in caplog.text
