"""A deployed stage: what its stack tells about itself, and with which settings it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.adapters.aws import Aws, aws_errors
from cli.errors import MendFirstError

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_lambda import LambdaClient


class NoStackError(MendFirstError):
    """The stage is not deployed, or not here."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The outputs of a stage's stack (infra/outputs.yml), and its key of KMS if it has one."""

    stage: str
    status: str
    outputs: Mapping[str, str]
    kms_key_arn: str = ""

    def output(self, name: str) -> str:
        """
        Give one output.

        Raises:
            MendFirstError: the stack is older than this command line.
        """
        if name not in self.outputs:
            raise MendFirstError(
                f"The stack {stack_name(self.stage)} has no output {name}.",
                f"Was it deployed by an older version? make deploy STAGE={self.stage}",
            )
        return self.outputs[name]


def stack_name(stage: str) -> str:
    """Give what `make deploy` calls the stack of *stage*."""
    return f"ses-blocklist-{stage}"


def read_stack(aws: Aws, stage: str) -> Stack:
    """
    Read what the stack of *stage* tells.

    Raises:
        NoStackError: there is none.
        MendFirstError: it may not be read.
    """
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    with aws_errors():
        try:
            [stack] = cloudformation.describe_stacks(StackName=stack_name(stage))["Stacks"]
        except ClientError as error:
            if "does not exist" not in error.response["Error"].get("Message", ""):
                raise
            raise NoStackError(
                f"There is no stack {stack_name(stage)} in {aws.region}.",
                f"Is the region right, and the account? To deploy it: make deploy STAGE={stage}",
            ) from None
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for output in stack.get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }
    parameters = {
        parameter["ParameterKey"]: parameter.get("ParameterValue", "")
        for parameter in stack.get("Parameters", [])
        if "ParameterKey" in parameter
    }
    return Stack(stage, stack["StackStatus"], outputs, parameters.get("KmsKeyArn", ""))


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is set."""

    timeout_seconds: int
    environment: Mapping[str, str]


def read_function(aws: Aws, name: str) -> Function:
    """Give how the function *name* is set."""
    lambda_client: LambdaClient = aws.client("lambda")
    with aws_errors():
        found = lambda_client.get_function_configuration(FunctionName=name)
    return Function(found["Timeout"], found.get("Environment", {}).get("Variables", {}))
