"""A stack that osls deployed, its tags, and `make remove`: nothing goes while mail waits."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.template import ROOT
from local.pipeline import PACKAGE, Pipeline
from tests.integration.site import HERE

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

STAGE = "leaving"
STACK = f"ses-blocklist-{STAGE}"


class Operator:
    """Somebody at a shell, whose account is the emulator's."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": pipeline.aws.endpoint_url,
            "AWS_REGION": pipeline.aws.region,
            "AWS_DEFAULT_REGION": pipeline.aws.region,
            "NODE_NO_WARNINGS": "1",
            "SLS_SCHEMA_CACHE_BASE_DIR": str(ROOT / "node_modules" / ".cache" / "osls"),
            "SLS_AWS_MONITORING_FREQUENCY": "200",  # milliseconds between looks at the stack
            "SLS_TELEMETRY_DISABLED": "1",
        }
        self._cloudformation: CloudFormationClient = pipeline.aws.client("cloudformation")
        self.sqs: SQSClient = pipeline.aws.client("sqs")

    def deploy(self, folder: Path, *, tags: str) -> None:
        """Do what `make deploy` does, of sources with *tags* in them, without building anew."""
        text = (ROOT / "serverless.yml").read_text()
        assert "    tags: {}\n" in text
        (folder / "serverless.yml").write_text(
            text.replace("    tags: {}\n", f"    tags: {tags}\n")
        )
        shutil.copytree(ROOT / "infra", folder / "infra")
        params = {**HERE, "artifact": str(PACKAGE / "functions.zip")}
        osls = str(ROOT / "node_modules" / ".bin" / "osls")
        options = [f"--param={name}={value}" for name, value in params.items()]
        self._run(osls, "deploy", "--stage", STAGE, *options, folder=folder).check_returncode()

    def remove(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Type `make remove`."""
        given = [f"{name}={value}" for name, value in variables.items()]
        return self._run("make", "--no-print-directory", "remove", f"STAGE={STAGE}", *given)

    def stacks(self) -> Mapping[str, Mapping[str, str]]:
        """Give the tags of each stack that is there."""
        return {
            stack["StackName"]: {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
            for stack in self._cloudformation.describe_stacks()["Stacks"]
            if stack["StackStatus"] != "DELETE_COMPLETE"
        }

    def queue_url(self, kind: str) -> str:
        """Give the address of the stage's queue for *kind*."""
        [url] = self.sqs.list_queues(QueueNamePrefix=f"{STACK}-{kind}")["QueueUrls"]
        return url

    def _run(self, *command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own tools with our own arguments
            command,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def test_stack_is_not_removed_while_mail_waits(running: Pipeline, tmp_path: Path) -> None:
    operator = Operator(running)
    operator.deploy(tmp_path, tags="{ team: mail }")
    assert operator.stacks()[STACK]["team"] == "mail"
    assert (
        operator.sqs.list_queue_tags(QueueUrl=operator.queue_url("events"))["Tags"]["team"]
        == "mail"
    )
    dead_letters = operator.queue_url("dead-letters")
    operator.sqs.send_message(QueueUrl=dead_letters, MessageBody="somebody's bounce")

    refused = operator.remove()

    assert refused.returncode == 2
    assert f"1 on {dead_letters.rpartition('/')[2]}" in refused.stdout
    assert STACK in operator.stacks()

    forced = operator.remove(FORCE="1")

    assert forced.returncode == 0, forced.stdout
    assert STACK not in operator.stacks()
    [message] = operator.sqs.receive_message(QueueUrl=dead_letters)["Messages"]
    assert message["Body"] == "somebody's bounce"
