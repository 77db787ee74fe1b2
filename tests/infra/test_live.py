"""infra/live.py: which deployment a stack runs, whatever else lies in its bucket."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.live import live_deployment

KEY = "serverless/ses-blocklist/dev/1795578994072-2026-11-25T03:56:34.072Z/functions.zip"


class CloudFormation:
    """Has one stack with these resources, or says *error*."""

    def __init__(self, resources: dict[str, Any], error: str = "") -> None:
        self.resources, self.error = resources, error

    def get_template(self, **_: object) -> dict[str, Any]:
        if self.error:
            raise ClientError({"Error": {"Message": self.error}}, "GetTemplate")
        return {"TemplateBody": {"Resources": self.resources}}


def live(resources: dict[str, Any], error: str = "") -> str | None:
    return live_deployment(
        "ses-blocklist-dev", client=lambda _: CloudFormation(resources, error=error)
    )


def function(key: object) -> dict[str, Any]:
    return {"Function": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": key}}}}


def test_number_is_the_one_that_osls_goes_back_to() -> None:
    assert live({"Queue": {"Type": "AWS::SQS::Queue"}, **function(KEY)}) == "1795578994072"


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param({"ServerlessDeploymentBucket": {"Type": "AWS::S3::Bucket"}}, id="half made"),
        pytest.param(function({"Ref": "CodeKey"}), id="not by osls"),
        pytest.param(function("functions-1.zip"), id="not by osls, key in place"),
    ],
)
def test_stack_without_such_a_deployment_has_no_number(resources: dict[str, Any]) -> None:
    """There is nothing to go back to, which is no error."""
    assert live(resources) is None


def test_stack_that_is_not_there_has_no_number() -> None:
    assert live({}, error="Stack with id ses-blocklist-dev does not exist") is None


def test_other_troubles_are_told() -> None:
    """Without rights the way back would be unknown, and the deployment would have none."""
    with pytest.raises(ClientError):
        live({}, error="User is not authorized")
