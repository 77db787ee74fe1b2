"""infra/queues.yml and infra/queue-policy.yml: waiting mail survives, and stays ours."""

from typing import Any

import pytest

from functions.blocklist.domain.redelivery import MAX_WAIT_SECONDS
from functions.blocklist.services.receive_callback import MAX_EVENT_BYTES
from tests.infra.compiled import CONSUMER, DEAD_LETTERS, QUEUE, TRIGGER, Template

#: The most that a wait is spread by.
MAX_SPREAD = 1.25
#: What SQS counts besides the body: attribute names, types and values of ours.
ATTRIBUTE_BYTES = 1024
DAY = 24 * 60 * 60

BOTH = pytest.mark.parametrize("queue", [QUEUE, DEAD_LETTERS])


def test_message_stays_away_until_its_batch_is_over(template: Template) -> None:
    """
    A shorter time hands a message out again while its batch is still being worked on.

    Its receives run out without a failure, and it ends among the dead letters.
    """
    timeout = template.properties(CONSUMER)["Timeout"]
    window = template.properties(TRIGGER)["MaximumBatchingWindowInSeconds"]

    visibility = template.properties(QUEUE)["VisibilityTimeout"]

    assert visibility >= 6 * timeout + window


def test_message_reaches_the_dead_letters_before_it_expires(template: Template) -> None:
    """A retention shorter than the receives deletes mail, with no dead letter and no alarm."""
    queue = template.properties(QUEUE)
    window = template.properties(TRIGGER)["MaximumBatchingWindowInSeconds"]
    longest_round = max(MAX_WAIT_SECONDS * MAX_SPREAD, queue["VisibilityTimeout"]) + window

    receives = queue["RedrivePolicy"]["maxReceiveCount"]

    assert queue["MessageRetentionPeriod"] > receives * longest_round


def test_dead_letters_outlive_the_queue(template: Template) -> None:
    """
    SQS counts a dead letter's age from its first arrival.

    With equal retentions a message that waited long is gone before anybody can look at it.
    """
    retention = template.properties(QUEUE)["MessageRetentionPeriod"]
    dead_letter_retention = template.properties(DEAD_LETTERS)["MessageRetentionPeriod"]

    assert (retention, dead_letter_retention) == (10 * DAY, 14 * DAY)


def test_receives_outlast_a_weekend(template: Template) -> None:
    """With few receives an outage puts good mail aside; with none poison circles for ever."""
    policy = template.properties(QUEUE)["RedrivePolicy"]

    assert policy == {
        "deadLetterTargetArn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]},
        "maxReceiveCount": 300,
    }


def test_dead_letters_come_from_our_queue_alone(template: Template) -> None:
    """
    Another queue's dead letters among ours would be put back into our queue by an operator.

    The name is written twice, as the two queues cannot both refer to each other: were they to
    differ, SQS would refuse to move anything, and what should rest there would circle.
    """
    name, parts = template.properties(QUEUE)["QueueName"]["Fn::Sub"]

    policy = template.properties(DEAD_LETTERS)["RedriveAllowPolicy"]

    arn = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + name
    assert policy == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [{"Fn::Sub": [arn, parts]}],
    }


@BOTH
def test_queue_outlives_its_stack(template: Template, queue: str) -> None:
    """Else removing a stack, or replacing a queue, deletes the mail that waits in it."""
    resource = template.resource(queue)

    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"


@BOTH
def test_name_is_new_with_each_stack(template: Template, queue: str) -> None:
    """A queue that outlived its stack keeps its name, and would be in the next stack's way."""
    name, parts = template.properties(queue)["QueueName"]["Fn::Sub"]

    assert name.endswith("-${Stack}")
    stack_id = {"Ref": "AWS::StackId"}  # arn:...:stack/NAME/UUID, of which the UUID's first part
    uuid = {"Fn::Select": [2, {"Fn::Split": ["/", stack_id]}]}
    assert parts == {"Stack": {"Fn::Select": [0, {"Fn::Split": ["-", uuid]}]}}


@BOTH
def test_queue_is_standard_and_encrypted(template: Template, queue: str) -> None:
    """A FIFO queue takes neither a window nor more than 10 messages; addresses rest encrypted."""
    properties = template.deployed().properties(queue)

    assert "FifoQueue" not in properties
    assert properties["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in properties


@BOTH
def test_queue_is_encrypted_with_an_own_key_if_there_is_one(template: Template, queue: str) -> None:
    """SQS refuses both at once."""
    properties = template.deployed(KmsKeyArn="arn:aws:kms:...").properties(queue)

    assert properties["KmsMasterKeyId"] == {"Ref": "KmsKeyArn"}
    assert "SqsManagedSseEnabled" not in properties


def test_queue_takes_whatever_the_door_lets_through(template: Template) -> None:
    """An event that the door keeps and the queue refuses is answered 503, over and over."""
    limit = template.properties(QUEUE)["MaximumMessageSize"]

    assert limit == 64 * 1024
    assert limit >= MAX_EVENT_BYTES + ATTRIBUTE_BYTES


def test_dead_letters_take_whole_callbacks(template: Template) -> None:
    """What cannot be read is kept as it came, up to the door's own limit of 1 MiB."""
    assert template.properties(DEAD_LETTERS)["MaximumMessageSize"] == 1024 * 1024


def policy_of(template: Template, **parameters: str) -> list[dict[str, Any]]:
    """Return what both queues' policy says."""
    [policy] = template.deployed(**parameters).of_type("AWS::SQS::QueuePolicy").values()
    assert policy["Queues"] == [{"Ref": QUEUE}, {"Ref": DEAD_LETTERS}]
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def test_other_accounts_are_refused(template: Template) -> None:
    """Whoever can write to the queue can block anybody; whoever can read it has the addresses."""
    [strangers] = [one for one in policy_of(template) if "StringNotEquals" in one["Condition"]]

    assert (strangers["Effect"], strangers["Principal"]) == ("Deny", "*")
    assert (strangers["Action"], strangers["Resource"]) == ("sqs:*", "*")
    assert strangers["Condition"] == {
        "StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
    }


def test_producers_may_send_to_the_queue_and_nothing_else(template: Template) -> None:
    """The dead letters are ours; and a role of another account is let in by its name alone."""
    roles = {"Fn::Split": [",", {"Ref": "Producers"}]}

    statements = policy_of(template, Producers="arn:aws:iam::000000000000:role/one")

    assert [one for one in statements if one["Effect"] == "Allow"] == [
        {
            "Sid": "TakeFromProducers",
            "Effect": "Allow",
            "Principal": {"AWS": roles},
            "Action": "sqs:SendMessage",
            "Resource": {"Fn::GetAtt": [QUEUE, "Arn"]},
        }
    ]
    [strangers] = [one for one in statements if "StringNotEquals" in one.get("Condition", ())]
    assert strangers["Condition"] == {
        "StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
        "ArnNotEquals": {"aws:PrincipalArn": roles},
    }


def test_plain_http_is_refused_outside_this_machine(template: Template) -> None:
    """Addresses travel encrypted. The emulator has no TLS, and would refuse every call."""
    refused = [
        statement
        for statement in policy_of(template)
        if statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        and (statement["Action"], statement["Resource"]) == ("sqs:*", "*")
    ]

    assert len(refused) == (0 if template.stage == "local" else 1)


def test_policies_only_refuse_while_there_are_no_producers(template: Template) -> None:
    """Who may use the queues stands in the roles; a permission here would be open to others."""
    assert {statement["Effect"] for statement in policy_of(template)} == {"Deny"}
