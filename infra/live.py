"""
Say which of osls' deployments a stack runs, so that one can go back to it: `make live STAGE=...`.

The newest in the bucket is another one after going back, or when a deployment failed half-way.
Prints nothing where there is no stack yet.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def live_deployment(stack: str, *, client: Callable[[str], Any] = boto3.client) -> str | None:
    """Return the number that `make rollback` takes for what *stack* runs, or None."""
    try:
        template = client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::Lambda::Function":
            return _number(resource["Properties"]["Code"]["S3Key"])
    return None  # osls makes the bucket first: a stack that never got further has no function


def _number(key: object) -> str | None:
    """serverless/ses-blocklist/dev/1795578532281-2026-11-25T03:48:52.281Z/functions.zip."""
    parts = key.split("/") if isinstance(key, str) else []
    return parts[-2].partition("-")[0] if len(parts) > 1 else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the deployment that a stack runs."""
    parser = argparse.ArgumentParser(prog="python -m infra.live")
    parser.add_argument("stack", help="its name, such as ses-blocklist-dev")
    if deployment := live_deployment(parser.parse_args(arguments).stack):
        print(deployment)  # noqa: T201 - this is a command


if __name__ == "__main__":
    try:
        main()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"live: {error}")
