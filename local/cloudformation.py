"""Create or update one stack, and say why when that fails."""

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

#: What a stack may end in that is not a failure.
_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
#: A stack whose creation failed cannot be updated, only deleted:
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_NEVER_CREATED = frozenset({"ROLLBACK_COMPLETE", "CREATE_FAILED"})

_POLL_SECONDS = 0.05
_WAIT_SECONDS = 60.0


class DeploymentError(Exception):
    """The stack could not be created or updated; the message lists what failed and why."""


def apply_template(
    cloudformation: "CloudFormationClient",
    stack_name: str,
    *,
    template_url: str,
    parameters: Mapping[str, str],
) -> None:
    """
    Create *stack_name*, or update it if it exists, and wait until that is done.

    Raises:
        DeploymentError: CloudFormation refused the template, or a resource failed.
    """
    token = uuid.uuid4().hex
    try:
        _request(cloudformation, stack_name, template_url, parameters, token=token)
    except ClientError as error:
        reason = error.response["Error"].get("Message", "")
        if "No updates are to be performed" in reason:
            return
        raise DeploymentError(f"the template of {stack_name} was refused: {reason}") from error
    status = _wait(cloudformation, stack_name)
    if status not in _DEPLOYED:
        failures = _failures(cloudformation, stack_name, token=token)
        raise DeploymentError("\n".join([f"{stack_name} ended as {status}:", *failures]))


def outputs(cloudformation: "CloudFormationClient", stack_name: str) -> dict[str, str]:
    """Return what the stack tells about itself."""
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {
        output["OutputKey"]: output["OutputValue"]
        for output in stack.get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }


def physical_ids(cloudformation: "CloudFormationClient", stack_name: str) -> dict[str, str]:
    """Return what each of the template's resources is called in the account."""
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    return {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for resource in resources
    }


def _request(
    cloudformation: "CloudFormationClient",
    stack_name: str,
    template_url: str,
    parameters: Mapping[str, str],
    *,
    token: str,
) -> None:
    stack = _find(cloudformation, stack_name)
    if stack is not None and stack["StackStatus"] in _NEVER_CREATED:
        cloudformation.delete_stack(StackName=stack_name)
        _wait(cloudformation, stack_name)
        stack = None
    (cloudformation.create_stack if stack is None else cloudformation.update_stack)(
        StackName=stack_name,
        TemplateURL=template_url,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        ClientRequestToken=token,
    )


def _find(cloudformation: "CloudFormationClient", stack_name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise


def _wait(cloudformation: "CloudFormationClient", stack_name: str) -> str:
    """Return the status in which the stack comes to rest."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        stack = _find(cloudformation, stack_name)
        if stack is None:
            return "DELETE_COMPLETE"
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack["StackStatus"]
        time.sleep(_POLL_SECONDS)
    raise DeploymentError(f"{stack_name} is still not done after {_WAIT_SECONDS:g} s")


def _failures(cloudformation: "CloudFormationClient", stack_name: str, *, token: str) -> list[str]:
    """Return a line for each failure of the request with *token*, the first one first."""
    events: list[StackEventTypeDef] = [
        event
        for page in cloudformation.get_paginator("describe_stack_events").paginate(
            StackName=stack_name
        )
        for event in page["StackEvents"]
    ]
    return [
        f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): "
        f"{event.get('ResourceStatus')}: {event.get('ResourceStatusReason')}"
        for event in reversed(events)
        if event.get("ClientRequestToken") == token
        and event.get("ResourceStatus", "").endswith("_FAILED")
    ]
