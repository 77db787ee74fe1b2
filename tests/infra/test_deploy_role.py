"""infra/deploy_role.yml: whoever may deploy a stage may do that, and nothing beside it."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from infra.template import ROOT
from tests.infra.compiled import STAGES, Template, as_list

#: What CloudFormation calls to make one.
MADE_BY = {
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:PutCompositeAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Lambda::Url": "lambda:CreateFunctionUrlConfig",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::SNS::Subscription": "sns:Subscribe",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
}

#: Where AWS has no resource to name, or names it by a number; the latter needs a condition.
EVERYWHERE = {"Trigger", "LooksThatKnowNoResource"}
#: Of any trigger: AWS takes no condition there.
TAGS = {"TriggerTags"}


@pytest.fixture(scope="session")
def role() -> dict[str, Any]:
    template: dict[str, Any] = cfn_yaml.load(str(ROOT / "infra" / "deploy_role.yml"))
    properties: dict[str, Any] = template["Resources"]["DeployRole"]["Properties"]
    return properties


@pytest.fixture(scope="session")
def statements(role: dict[str, Any]) -> dict[str, dict[str, Any]]:
    [policy] = role["Policies"]
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def actions(statements: dict[str, dict[str, Any]]) -> set[str]:
    return {action for one in statements.values() for action in as_list(one["Action"])}


def test_only_one_environment_of_one_repository_may_deploy(role: dict[str, Any]) -> None:
    """Without its subject any repository on GitHub could; with a branch no reviewer is asked."""
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": "repo:${Repository}:environment:${Stage}"
            },
        }
    }


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "local"])
def test_all_that_the_stack_is_made_of_may_be_made(
    templates: dict[str, Template], statements: dict[str, dict[str, Any]], stage: str
) -> None:
    """A part that is new in the template fails the next deployment, half-way."""
    kinds = {resource["Type"] for resource in templates[stage].body["Resources"].values()}

    assert kinds <= set(MADE_BY), "say here and in infra/deploy_role.yml who makes these"
    assert {MADE_BY[kind] for kind in kinds} <= actions(statements)


def test_nothing_is_allowed_beside_the_stage(statements: dict[str, dict[str, Any]]) -> None:
    resources = {
        sid: list(_texts(as_list(statement["Resource"]))) for sid, statement in statements.items()
    }

    assert {sid for sid, texts in resources.items() if "*" in texts} == EVERYWHERE
    for sid in set(statements) - EVERYWHERE - TAGS:
        assert all("ses-blocklist" in text and "${Stage}" in text for text in resources[sid]), sid
    assert statements["Trigger"]["Condition"]["ArnLike"]
    looks = as_list(statements["LooksThatKnowNoResource"]["Action"])
    assert all(look.split(":")[1].startswith(("Get", "List", "Desc", "Valid")) for look in looks)


def test_what_cloudformation_tags_may_be_tagged(statements: dict[str, dict[str, Any]]) -> None:
    """The stack has a tag from osls, which CloudFormation hands on to all that can have one."""
    assert actions(statements) >= {
        *("cloudformation:TagResource", "s3:PutBucketTagging", "lambda:TagResource"),
        *("iam:TagRole", "sqs:TagQueue", "sns:TagResource", "logs:TagResource"),
        *("cloudwatch:TagResource", "dynamodb:TagResource"),
    }
    assert "lambda:TagResource" in statements["TriggerTags"]["Action"]
    assert set(statements["TriggerTags"]["Action"]) <= {
        *("lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"),
    }


def test_whoever_deploys_reads_no_mail_and_deletes_none(
    statements: dict[str, dict[str, Any]],
) -> None:
    """A workflow that somebody took over should cost a deployment, not the mail."""
    allowed = actions(statements)

    assert not [action for action in allowed if "*" in action]
    assert not allowed & {
        *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:DeleteQueue"),
        *("dynamodb:DeleteTable", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:Query"),
        *("ssm:PutParameter", "ssm:DeleteParameter", "cloudformation:DeleteStack"),
    }
    assert {action for action in allowed if action.startswith("ssm:")} == {"ssm:GetParameter"}
    [secret] = _texts(as_list(statements["TokenForTheSmokeTest"]["Resource"]))
    assert secret.endswith("/callback-tokens")


def test_roles_are_given_to_functions_only_and_may_be_bounded(
    statements: dict[str, dict[str, Any]],
) -> None:
    """Whoever makes roles can make one that may do anything, unless a boundary is asked for."""
    passing = statements["RolesToFunctions"]["Condition"]
    on_roles = {action for action in actions(statements) if action.startswith("iam:")}
    bounded, otherwise = statements["Roles"]["Condition"]["Fn::If"][1:]

    assert passing == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert bounded == {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "PermissionsBoundary"}}}
    assert otherwise == {"Ref": "AWS::NoValue"}
    # What could give a role more asks for the boundary; of the others none can.
    assert on_roles - set(statements["Roles"]["Action"]) == {
        *("iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:PassRole"),
        *("iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"),
    }
    assert set(statements["Roles"]["Action"]) == {
        *("iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"),
        "iam:PutRolePermissionsBoundary",
    }


def _texts(resources: list[Any]) -> Iterator[str]:
    for resource in resources:
        yield resource if isinstance(resource, str) else resource["Fn::Sub"]
