"""infra/roles.yml: each function may do what it does, and nothing else."""

import json
from pathlib import Path

import pytest

from infra.template import compile_template
from tests.infra.compiled import CONSUMER, DOOR, Template, as_list

QUEUE_ARN = "Queue.Arn"
DEAD_LETTERS_ARN = "DeadLetterQueue.Arn"


def test_door_may_do_what_it_does(template: Template) -> None:
    """One missing: every callback is answered 503. One more: a leak in the door reaches further."""
    assert _permissions(template, "ReceiveCallbackRole") == {
        ("sqs:SendMessage", QUEUE_ARN),
        ("sqs:SendMessage", DEAD_LETTERS_ARN),
        ("ssm:GetParameter", _parameter_arn(f"ses-blocklist/{template.stage}/callback-tokens")),
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
        ("ssm:GetParameter", _parameter_arn(f"ses-blocklist/{template.stage}/tencent-credentials")),
        ("ssm:GetParameter", _parameter_arn(f"ses-blocklist/{template.stage}/ledger-key")),
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


def _named(resource: object) -> str:
    match resource:
        case {"Fn::Sub": str(name)} | {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(logical_id), str(attribute)]}:
            return f"{logical_id}.{attribute}"
        case {"Fn::Join": ["/", {"Fn::Split": ["//", {"Fn::Sub": str(name)}]}]}:
            return name.replace("//", "/")
        case _:
            raise ValueError(resource)


def _parameter_arn(name: str) -> str:
    account = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
    return f"{account}:parameter/{name}"


@pytest.mark.parametrize("name", ["/ours/tokens", "tokens"])
def test_secrets_may_be_read_under_either_form_of_their_names(tmp_path: Path, name: str) -> None:
    """In an ARN a name's own leading slash is the only one; a second is another parameter's."""
    artifact, target = tmp_path / "functions.zip", tmp_path / "dev.json"
    artifact.write_text("something")
    compile_template(
        "dev",
        artifact=artifact,
        target=target,
        params={
            "callbackTokensParameter": name,
            "tencentCredentialsParameter": f"{name}-key",
            "ledgerKeyParameter": f"{name}-ledger",
        },
    )
    template = Template.read(tmp_path, "dev")

    arn = _parameter_arn(name.removeprefix("/"))
    assert ("ssm:GetParameter", arn) in _permissions(template, "ReceiveCallbackRole")
    consumer = _permissions(template, "BlockRecipientsRole")
    assert {("ssm:GetParameter", f"{arn}-key"), ("ssm:GetParameter", f"{arn}-ledger")} <= consumer
    assert template.environment(DOOR)["CALLBACK_TOKENS_PARAMETER"] == name
    assert template.environment(CONSUMER)["TENCENT_CREDENTIALS_PARAMETER"] == f"{name}-key"
    assert template.environment(CONSUMER)["LEDGER_KEY_PARAMETER"] == f"{name}-ledger"


@pytest.mark.parametrize("role", ["ReceiveCallbackRole", "BlockRecipientsRole"])
def test_own_key_may_be_used_and_no_other(template: Template, role: str) -> None:
    """Both send to an encrypted queue, which takes both permissions, and both read a secret."""
    bare = _permissions(template, role)

    with_key = _permissions(template.deployed(KmsKeyArn="arn:aws:kms:..."), role)

    assert with_key - bare == {("kms:GenerateDataKey", "KmsKeyArn"), ("kms:Decrypt", "KmsKeyArn")}


def test_door_may_publish_to_the_topic_and_no_other(template: Template) -> None:
    deployed = template.deployed(ForwardTopicArn="arn:aws:sns:...")

    for role, more in (
        ("ReceiveCallbackRole", {("sns:Publish", "ForwardTopicArn")}),
        ("BlockRecipientsRole", set()),
    ):
        assert _permissions(deployed, role) - _permissions(template, role) == more


def test_every_role_has_the_boundary(template: Template) -> None:
    """An account that asks for one refuses a role without, and the whole deployment."""
    deployed = template.deployed(PermissionsBoundaryArn="arn:aws:iam::...")

    boundaries = [
        role.get("PermissionsBoundary") for role in deployed.of_type("AWS::IAM::Role").values()
    ]

    assert boundaries == [{"Ref": "PermissionsBoundaryArn"}] * 2
    for role in template.deployed().of_type("AWS::IAM::Role").values():
        assert "PermissionsBoundary" not in role


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
