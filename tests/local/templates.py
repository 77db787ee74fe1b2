"""Small CloudFormation templates, and zips for their functions."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LAMBDA_MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

#: What the mapping needs: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
CONSUMER_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def make_artifact(folder: Path, code: str) -> Path:
    """Return a zip with one module, ``main``."""
    artifact = folder / "functions.zip"
    with zipfile.ZipFile(artifact, "w") as archive:
        archive.writestr("main.py", code)
    return artifact


def make_role(*actions: str) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": LAMBDA_MAY_ASSUME,
            "Policies": [
                {
                    "PolicyName": "consumer",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
                        ],
                    },
                }
            ],
        },
    }


def make_function(**properties: object) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
            "Handler": "main.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 5,
            **properties,
        },
    }


def make_mapping(**properties: object) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
            **properties,
        },
    }


def make_template(
    *,
    actions: tuple[str, ...] = CONSUMER_ACTIONS,
    function: Mapping[str, object] | None = None,
    mapping: Mapping[str, object] | None = None,
    queue: Mapping[str, object] | None = None,
    more: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return a queue, its consumer behind a function URL, and a mapping."""
    return {
        "Parameters": {
            name: {"Type": "String"} for name in ("TencentSesEndpoint", "CodeBucket", "CodeKey")
        },
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": queue or {}},
            "Role": make_role(*actions),
            "Function": make_function(
                Environment={"Variables": {"ENDPOINT": {"Ref": "TencentSesEndpoint"}}},
                **(function or {}),
            ),
            "Url": {
                "Type": "AWS::Lambda::Url",
                "Properties": {"AuthType": "NONE", "TargetFunctionArn": {"Ref": "Function"}},
            },
            "Mapping": make_mapping(**(mapping or {})),
            **(more or {}),
        },
        "Outputs": {
            "QueueUrl": {"Value": {"Ref": "Queue"}},
            "EventSourceMapping": {"Value": {"Ref": "Mapping"}},
            "Function": {"Value": {"Ref": "Function"}},
            "CallbackBaseUrl": {
                "Value": {"Fn::Join": ["", [{"Fn::GetAtt": ["Url", "FunctionUrl"]}, "callbacks/"]]}
            },
        },
    }
