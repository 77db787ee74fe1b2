"""The queue in the name of a role, against a fake of boto3."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.aws import Aws
from local.poller.consumer_queue import ConsumerQueue, QueueError
from local.poller.records import Received
from tests.local.poller.builders import make_received

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeSqs:
    """Answers each DeleteMessageBatch with the next of *failures*, ids or an exception."""

    failures: Iterator[list[str] | Exception] = field(default_factory=lambda: iter(()))
    deletes: list[list[str]] = field(default_factory=list)

    def get_queue_url(self, **_: object) -> dict[str, str]:
        return {"QueueUrl": "http://127.0.0.1:1/000000000000/queue"}

    def receive_message(self, **_: object) -> dict[str, object]:
        return {}

    def delete_message_batch(self, *, Entries: list[dict[str, str]], **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.deletes.append([entry["ReceiptHandle"] for entry in Entries])
        failures = next(self.failures, [])
        if isinstance(failures, Exception):
            raise failures
        return {"Failed": [{"Id": entry} for entry in failures]}


@dataclass
class FakeAws(Aws):
    """Gives credentials for an hour, and one SQS client to everybody."""

    sqs: FakeSqs
    now: datetime = START
    roles: list[str] = field(default_factory=list)

    def client(self, service: str, **_: object) -> Any:  # noqa: ANN401 - as Aws.client
        return self.sqs if service == "sqs" else self

    def assume_role(self, *, RoleArn: str, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.roles.append(RoleArn)
        return {"Credentials": {"Expiration": self.now + timedelta(hours=1)}}

    def as_role(self, _: object) -> Aws:
        return self


def make_queue(aws: FakeAws) -> ConsumerQueue:
    return ConsumerQueue(
        aws,
        queue_arn="arn:aws:sqs:ap-southeast-1:000000000000:queue",
        role_arn="arn:aws:iam::000000000000:role/consumer",
        clock=lambda: 0.0,
        now=lambda: aws.now,
    )


def make_messages(count: int) -> list[Received]:
    return [make_received(f"m-{n}") for n in range(count)]


def test_role_is_assumed_anew_before_its_credentials_expire() -> None:
    aws = FakeAws(FakeSqs())
    queue = make_queue(aws)

    for minutes, sessions in [(0, 1), (54, 1), (55, 2), (100, 2), (110, 3)]:
        aws.now = START + timedelta(minutes=minutes)
        queue.receive(max_messages=10, wait_seconds=0)
        assert len(aws.roles) == sessions, minutes

    assert set(aws.roles) == {"arn:aws:iam::000000000000:role/consumer"}


def test_messages_are_deleted_in_tens() -> None:
    sqs = FakeSqs()

    assert make_queue(FakeAws(sqs)).delete(make_messages(25)) == []
    assert [len(entries) for entries in sqs.deletes] == [10, 10, 5]
    assert sqs.deletes[2][0] == "handle of m-20"


def test_nothing_to_delete_is_no_request() -> None:
    sqs = FakeSqs()

    make_queue(FakeAws(sqs)).delete([])

    assert sqs.deletes == []


def test_failed_deletions_are_tried_once_more() -> None:
    sqs = FakeSqs(iter([["1"], ["3"]]))

    assert make_queue(FakeAws(sqs)).delete(make_messages(15)) == []
    assert sqs.deletes[2:] == [["handle of m-1", "handle of m-13"]]


def test_what_cannot_be_deleted_twice_stays() -> None:
    sqs = FakeSqs(iter([["0", "1"], ["1"]]))
    messages = make_messages(3)

    assert make_queue(FakeAws(sqs)).delete(messages) == [messages[1]]
    assert len(sqs.deletes) == 2


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteMessageBatch"),
    ],
)
def test_refused_request_deletes_none_of_its_ten(error: Exception) -> None:
    sqs = FakeSqs(iter([error, [], error]))
    messages = make_messages(12)

    assert make_queue(FakeAws(sqs)).delete(messages) == messages[:10]


def test_error_of_the_connection_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    sqs = FakeSqs()
    monkeypatch.setattr(sqs, "receive_message", fail)

    with pytest.raises(QueueError, match="EndpointConnectionError"):
        make_queue(FakeAws(sqs)).receive(max_messages=10, wait_seconds=0)
