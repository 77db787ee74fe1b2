"""Deployments into the emulator, and how they fail."""

import http.client
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from local.aws import Aws
from local.cloudformation import DeploymentError
from local.stack import Stack, deploy
from tests.local.templates import make_artifact, make_template

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

pytestmark = pytest.mark.integration

PARAMETERS = {"TencentSesEndpoint": "first"}
BROKEN = {
    "Broken": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 99_999}},
}

SAYS = """
import os
def handler(event, context):
    return {said} if "rawPath" not in event else {{"statusCode": 202, "body": event["rawPath"]}}
"""


def make_saying(folder: Path, said: str) -> Path:
    return make_artifact(folder, SAYS.format(said=said))


def ask(aws: Aws, stack: Stack) -> object:
    lambda_client: LambdaClient = aws.client("lambda")
    answer = lambda_client.invoke(FunctionName=stack.outputs["Function"])
    return json.loads(answer["Payload"].read())


def test_functions_run_the_artifact_with_the_parameters(aws: Aws, tmp_path: Path) -> None:
    stack = deploy(
        aws, make_template(), make_saying(tmp_path, "os.environ['ENDPOINT']"), PARAMETERS
    )

    assert ask(aws, stack) == "first"


def test_callback_url_leads_to_the_function(aws: Aws, tmp_path: Path) -> None:
    stack = deploy(aws, make_template(), make_saying(tmp_path, "1"), PARAMETERS)

    url = urlsplit(stack.callback_url("0123456789abcdef"))
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("POST", url.path)
    answer = connection.getresponse()
    path = answer.read()
    connection.close()

    assert answer.status == http.HTTPStatus.ACCEPTED
    assert path == b"/callbacks/0123456789abcdef"


def test_update_brings_new_code_and_new_parameters(aws: Aws, tmp_path: Path) -> None:
    deploy(aws, make_template(), make_saying(tmp_path, "1"), PARAMETERS)

    stack = deploy(
        aws,
        make_template(),
        make_saying(tmp_path, "['new', os.environ['ENDPOINT']]"),
        {"TencentSesEndpoint": "second"},
    )

    assert ask(aws, stack) == ["new", "second"]


def test_deploying_the_same_again_changes_nothing(aws: Aws, tmp_path: Path) -> None:
    artifact = make_saying(tmp_path, "1")

    first = deploy(aws, make_template(), artifact, PARAMETERS)

    assert deploy(aws, make_template(), artifact, PARAMETERS) == first


def test_large_template_is_taken(aws: Aws, tmp_path: Path) -> None:
    """CloudFormation takes 51,200 bytes in a request, more from a bucket only."""
    template = make_template() | {"Metadata": {"Filler": "x" * 60_000}}

    assert deploy(aws, template, make_saying(tmp_path, "1"), PARAMETERS).outputs


def test_failed_creation_says_what_failed_and_can_be_repeated(aws: Aws, tmp_path: Path) -> None:
    artifact = make_saying(tmp_path, "1")

    for _ in range(2):
        with pytest.raises(
            DeploymentError,
            match=r"(?s)ses-blocklist ended as ROLLBACK_COMPLETE:"
            r"\nBroken \(AWS::SQS::Queue\): CREATE_FAILED: .*VisibilityTimeout",
        ):
            deploy(aws, make_template(more=BROKEN), artifact, PARAMETERS)

    assert deploy(aws, make_template(), artifact, PARAMETERS).outputs


def test_failed_update_lists_only_its_own_failures(aws: Aws, tmp_path: Path) -> None:
    artifact = make_saying(tmp_path, "1")
    deploy(aws, make_template(), artifact, PARAMETERS)
    with pytest.raises(DeploymentError):
        deploy(aws, make_template(more=BROKEN), artifact, PARAMETERS)

    with pytest.raises(DeploymentError) as error:
        deploy(aws, make_template(more={"Other": BROKEN["Broken"]}), artifact, PARAMETERS)

    assert "Other (AWS::SQS::Queue)" in str(error.value)
    assert "Broken" not in str(error.value)


def test_refused_template_says_why(aws: Aws, tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"was refused: .*TencentSesEndpoint"):
        deploy(aws, make_template(), make_saying(tmp_path, "1"), {})
