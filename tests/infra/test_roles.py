"""infra/roles.yml: each function may do what it does, and nothing else."""

import json

import pytest

from tests.infra.compiled import CONSUMER, DOOR, Template, as_list

QUEUE_ARN = "Queue.Arn"
DEAD_LETTERS_ARN = "DeadLetterQueue.Arn"


def test_door_may_do_what_it_does(template: Template) -> None:
    """One missing: every callback is answered 503. One more: a leak in the door reaches further."""
    assert _permissions(template, "ReceiveCallbackRole") == {
        ("sqs:SendMessage", QUEUE_ARN),
        ("sqs:SendMessage", DEAD_LETTERS_ARN),
        ("ssm:GetParameter", _parameter_arn(template, "callback-tokens")),
        ("logs:CreateLogStream", "ReceiveCallbackLogGroup.Arn"),
        ("logs:PutLogEvents", "ReceiveCallbackLogGroup.Arn"),
    }


def test_consumer_may_do_what_it_does(template: Template) -> None:
    """
    Without SendMessage poison circles for three days.

    Without ChangeMessageVisibility, which AWS' own policy for consumers lacks, nothing waits longer
    after each failure, and an outage uses the receives up.
    """
    assert _permissions(template, "BlockRecipientsRole") == {
        ("sqs:ReceiveMessage", QUEUE_ARN),
        ("sqs:DeleteMessage", QUEUE_ARN),
        ("sqs:GetQueueAttributes", QUEUE_ARN),
        ("sqs:ChangeMessageVisibility", QUEUE_ARN),
        ("sqs:SendMessage", DEAD_LETTERS_ARN),
        ("ssm:GetParameter", _parameter_arn(template, "tencent-credentials")),
        ("ssm:GetParameter", _parameter_arn(template, "ledger-key")),
        ("dynamodb:UpdateItem", "LedgerTable.Arn"),
        ("logs:CreateLogStream", "BlockRecipientsLogGroup.Arn"),
        ("logs:PutLogEvents", "BlockRecipientsLogGroup.Arn"),
    }


def _permissions(template: Template, role: str) -> set[tuple[str, str]]:
    return {
        (action, _named(resource))
        for statement in template.statements(role)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def _named(resource: str | dict[str, str | list[str]]) -> str:
    if isinstance(resource, str):
        return resource
    [value] = resource.values()
    return value if isinstance(value, str) else ".".join(value)


def _parameter_arn(template: Template, name: str) -> str:
    account = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
    return f"{account}:parameter/ses-blocklist/{template.stage}/{name}"


@pytest.mark.parametrize("role", ["ReceiveCallbackRole", "BlockRecipientsRole"])
def test_role_reaches_nothing_by_a_star(template: Template, role: str) -> None:
    """A star takes in what is added to the account tomorrow."""
    statements = list(template.statements(role))

    assert statements
    assert "*" not in json.dumps(statements)
    assert not [key for statement in statements for key in statement if key.startswith("Not")]


@pytest.mark.parametrize(
    ("function", "role"), [(DOOR, "ReceiveCallbackRole"), (CONSUMER, "BlockRecipientsRole")]
)
def test_function_has_its_own_role(template: Template, function: str, role: str) -> None:
    """In a shared role the door, which anybody can call, could read the API's credentials."""
    properties = template.properties(role)

    assert template.properties(function)["Role"] == {"Fn::GetAtt": [role, "Arn"]}
    assert [
        (statement["Effect"], statement["Action"], statement["Principal"])
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]
    ] == [("Allow", "sts:AssumeRole", {"Service": "lambda.amazonaws.com"})]
    assert "ManagedPolicyArns" not in properties


def test_policies_stand_inside_their_roles(template: Template) -> None:
    """A policy that is a resource of its own may come later than the trigger that needs it."""
    kinds = {resource["Type"] for resource in template.body["Resources"].values()}

    assert not kinds & {
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::RolePolicy",
    }
