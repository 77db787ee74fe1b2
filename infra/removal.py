"""
Refuse to remove a stack while there is mail that nobody would act upon any more.

The queues outlive their stack, but nothing reads them afterwards. `python -m infra.removal STAGE`
ends with status 1 while messages wait. SQS counts approximately, and up to a minute late.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sqs import SQSClient

#: Which output of the stack has a queue's address, and what to do about its messages.
_QUEUES = {
    "QueueUrl": (
        "they wait to be blocked: take the address out of Tencent's console, or the producers "
        "away, and let the consumer finish"
    ),
    "DeadLetterQueueUrl": (
        "they wait for a person: see docs/operations.md#there-are-dead-letters; redrive or delete "
        "them"
    ),
}


class RemovalError(Exception):
    """The stack is not to be removed; the message says why and what to do."""


def check(stack: str, *, cloudformation: "CloudFormationClient", sqs: "SQSClient") -> None:
    """
    Find both queues of *stack* empty.

    Raises:
        RemovalError: they are not, or there is no such stack.
    """
    if full := list(_full_queues(_outputs(stack, cloudformation), sqs)):
        raise RemovalError(
            f"{stack} still has messages, which nothing would read any more:\n"
            + "".join(full)
            + "Or add FORCE=1: the queues stay with what is on them, until SQS deletes it for its "
            "age."
        )


def _outputs(stack: str, cloudformation: "CloudFormationClient") -> dict[str, str]:
    try:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        raise RemovalError(f"{stack}: {error.response['Error'].get('Message', '')}") from None
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}


def _full_queues(outputs: dict[str, str], sqs: "SQSClient") -> Iterator[str]:
    for output, advice in _QUEUES.items():
        url = outputs.get(output)
        if url and (number := _count(sqs, url)):
            yield f"  {number} on {url.rpartition('/')[2]}\n    {advice}\n"


def _count(sqs: "SQSClient", url: str) -> int:
    """Count what waits, what is being worked on, and what is delayed."""
    attributes = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )["Attributes"]
    return sum(map(int, attributes.values()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask for the stage named on the command line, in the account of the environment."""
    parser = argparse.ArgumentParser(prog="python -m infra.removal")
    parser.add_argument("stage")
    stage = parser.parse_args(arguments).stage
    check(
        f"ses-blocklist-{stage}",
        cloudformation=boto3.client("cloudformation"),
        sqs=boto3.client("sqs"),
    )


if __name__ == "__main__":
    try:
        main()
    except RemovalError as refusal:
        sys.exit(f"remove: {refusal}")
    except (BotoCoreError, ClientError) as failure:
        sys.exit(f"remove: {failure}")
