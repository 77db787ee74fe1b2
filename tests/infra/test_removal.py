"""infra/removal.py: no stack is removed while mail waits in its queues."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError

from infra.removal import RemovalError, check

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sqs import SQSClient

EVENTS, DEAD_LETTERS = "https://sqs.example.com/1/events", "https://sqs.example.com/1/dead-letters"


class FakeAccount:
    """One stack, and what its queues hold."""

    def __init__(self, held: Mapping[str, Mapping[str, str]]) -> None:
        self._held = held

    def describe_stacks(self, *, StackName: str) -> object:  # noqa: N803 - boto3's
        if StackName != "ses-blocklist-dev":
            message = f"Stack with id {StackName} does not exist"
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": message}}, "Describe"
            )
        outputs = {"QueueUrl": EVENTS, "DeadLetterQueueUrl": DEAD_LETTERS, "Other": "thing"}
        pairs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"Outputs": pairs}]}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> object:  # noqa: N803 - boto3's
        held = self._held.get(QueueUrl, {})
        return {"Attributes": {name: held.get(name, "0") for name in AttributeNames}}


def ask(held: Mapping[str, Mapping[str, str]], *, stack: str = "ses-blocklist-dev") -> None:
    account = FakeAccount(held)
    check(
        stack,
        cloudformation=cast("CloudFormationClient", account),
        sqs=cast("SQSClient", account),
    )


def test_empty_queues_are_no_reason_to_stay() -> None:
    ask({})


@pytest.mark.parametrize("queue", [EVENTS, DEAD_LETTERS])
@pytest.mark.parametrize("state", ["", "NotVisible", "Delayed"])
def test_message_anywhere_is_a_reason_to_stay(queue: str, state: str) -> None:
    """What is being worked on may come back, and then nothing takes it."""
    with pytest.raises(RemovalError) as refused:
        ask({queue: {f"ApproximateNumberOfMessages{state}": "1"}})

    assert f"1 on {queue.rpartition('/')[2]}\n" in str(refused.value)


def test_refusal_names_each_queue_and_what_to_do() -> None:
    held = {
        EVENTS: {
            "ApproximateNumberOfMessages": "3",
            "ApproximateNumberOfMessagesNotVisible": "4",
        },
        DEAD_LETTERS: {"ApproximateNumberOfMessages": "2"},
    }

    with pytest.raises(RemovalError) as refused:
        ask(held)

    text = str(refused.value)
    assert "7 on events\n    they wait to be blocked" in text
    assert "2 on dead-letters\n    they wait for a person" in text
    assert "FORCE=1" in text


def test_stack_that_is_not_there_is_said_to_be_so() -> None:
    """Most likely the region or the stage is another."""
    with pytest.raises(RemovalError, match="does not exist"):
        ask({}, stack="ses-blocklist-staging")
