"""What the emulator gets wrong about a stack."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.aws import Aws
from local.quirks import allow_batches, mend, without_metric_math
from local.stack import deploy
from tests.local.templates import make_artifact, make_template

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_lambda import LambdaClient

NOTHING = "def handler(event, context): pass"
GROUP = {
    "Targets": {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "TargetType": "lambda",
            "Targets": [{"Id": {"Fn::GetAtt": ["Function", "Arn"]}}],
        },
    }
}

ALARM = {
    "Namespace": "Test",
    "MetricName": "Errors",
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
}
MATH = {
    "Metrics": [{"Id": "one", "Expression": "1"}],
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def deploy_mapping(aws: Aws, folder: Path, *, enabled: object, endpoint: str = "first") -> str:
    template = make_template(mapping={"Enabled": enabled})
    artifact = make_artifact(folder, NOTHING)
    outputs = deploy(aws, template, artifact, {"TencentSesEndpoint": endpoint}).outputs
    lambda_client: LambdaClient = aws.client("lambda")
    return lambda_client.get_event_source_mapping(UUID=outputs["EventSourceMapping"])["State"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("enabled", "state"),
    [
        (True, "Enabled"),
        (False, "Disabled"),
        ("true", "Enabled"),
        ("false", "Disabled"),
        ({"Ref": "TencentSesEndpoint"}, "Disabled"),
    ],
)
def test_mapping_is_as_the_template_says(
    aws: Aws, tmp_path: Path, enabled: object, state: str
) -> None:
    assert deploy_mapping(aws, tmp_path, enabled=enabled, endpoint="false") == state


@pytest.mark.integration
def test_update_changes_a_mapping_back(aws: Aws, tmp_path: Path) -> None:
    deploy_mapping(aws, tmp_path, enabled=False)

    assert deploy_mapping(aws, tmp_path, enabled=True) == "Enabled"
    assert deploy_mapping(aws, tmp_path, enabled=False) == "Disabled"


def test_mapping_state_that_cannot_be_known_is_an_error() -> None:
    """A guess would let two pollers share the queue, or none read it."""
    template = make_template(mapping={"Enabled": {"Fn::If": ["A", True, False]}})

    with pytest.raises(ValueError, match="Fn::If"):
        mend(Aws("http://127.0.0.1:1", region="eu-west-1"), template, {}, physical_ids={})


@pytest.mark.integration
def test_target_group_has_its_function(aws: Aws, tmp_path: Path) -> None:
    template = make_template(more=GROUP)

    deploy(aws, template, make_artifact(tmp_path, NOTHING), {"TencentSesEndpoint": "first"})

    balancing: Any = aws.client("elbv2")
    [group] = balancing.describe_target_groups()["TargetGroups"]
    [health] = balancing.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
        "TargetHealthDescriptions"
    ]
    assert ":function:ses-blocklist-Function" in health["Target"]["Id"]


def make_policy(actions: object) -> dict[str, object]:
    return {"Policies": [{"Statement": [{"Effect": "Deny", "Action": actions, "Resource": "*"}]}]}


@pytest.mark.parametrize(
    ("actions", "adapted"),
    [
        ("sqs:SendMessage", ["sqs:SendMessage", "sqs:SendMessageBatch"]),
        (
            ["sqs:DeleteMessage", "logs:PutLogEvents"],
            ["sqs:DeleteMessage", "logs:PutLogEvents", "sqs:DeleteMessageBatch"],
        ),
        ("sqs:*", ["sqs:*"]),
        (["sqs:ReceiveMessage"], ["sqs:ReceiveMessage"]),
    ],
)
def test_right_to_act_on_a_message_is_one_to_act_on_ten(actions: object, adapted: object) -> None:
    once = allow_batches(make_policy(actions))

    assert once == make_policy(adapted)
    assert allow_batches(once) == once


@pytest.mark.integration
def test_stack_with_alarms_that_calculate_is_deployed_without_them(
    aws: Aws, tmp_path: Path
) -> None:
    """The emulator refuses the whole stack for one; the alarms that it can have stay."""
    template = make_template(
        more={
            "Plain": {"Type": "AWS::CloudWatch::Alarm", "Properties": ALARM},
            "Math": {"Type": "AWS::CloudWatch::Alarm", "Properties": MATH},
            "Both": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Plain}) AND ALARM(${Math})"}},
            },
            "Page": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardBody": {"Fn::Sub": "${Math.Arn}"}},
            },
        }
    )

    deploy(aws, template, make_artifact(tmp_path, NOTHING), {"TencentSesEndpoint": "first"})

    cloudwatch: CloudWatchClient = aws.client("cloudwatch")
    assert [alarm["MetricName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == [
        "Errors"
    ]
    assert without_metric_math(template)["Outputs"] == template["Outputs"]


def test_other_parts_of_a_template_stay_as_they_are() -> None:
    template = {"Action": "sqs:SendMessage", "Steps": [1, "sqs:SendMessage", None]}

    assert allow_batches(template) == template
