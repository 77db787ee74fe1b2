"""Run the command as a person would, and look at what it wrote and how it ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.testing import CliRunner

from cli import bootstrap
from cli.app import app
from local import pipeline
from local.aws import Aws
from local.stack import Stack, deploy

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET_ID, SECRET_KEY = "AKIDoperator", "operator-secret-key"
#: A key of KMS.
OWN_KEY = "arn:aws:kms:ap-southeast-1:000000000000:key/00000000-1111-2222-3333-444444444444"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote, and its exit code."""

    out: str
    err: str
    code: int
    #: Both, in the order in which a terminal shows them.
    shown: str = ""

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was written
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """The JSON objects on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def commands(command: object = None, path: str = "") -> Iterator[str]:
    """Give every command of the program, as it is typed."""
    command = command or typer.main.get_command(app)
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
        return
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}".strip())


def run(*arguments: str, answer: str = "") -> Ran:
    """Run `ses-blocklist` with *arguments*, typing *answer* where it asks."""
    for builder in vars(bootstrap).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()
    result = CliRunner().invoke(app, arguments, input=answer, prog_name="ses-blocklist")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.stdout, result.stderr, result.exit_code, result.output)


#: Who runs the tests in the background does so with Ctrl-C ignored, and a process inherits that.
_LIKE_A_SHELL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from cli.__main__ import main
main()
"""


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Start `ses-blocklist` as a process of its own, to be stopped half-way."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", "-c", _LIKE_A_SHELL, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> Ran:
    """Stop what was started, as Ctrl-C does, or as the end of the machine does."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return Ran(out, err, process.returncode)


class Account:
    """The stage `local` in an emulated account, seen from outside."""

    def __init__(self, aws: Aws, stack: Stack) -> None:
        self.aws = aws
        self.stack = stack
        self.sqs: SQSClient = aws.client("sqs")
        self.functions: LambdaClient = aws.client("lambda")
        self.queue = stack.outputs["QueueUrl"]
        self.dead_letter_queue = stack.outputs["DeadLetterQueueUrl"]
        self.mapping = stack.outputs["EventSourceMapping"]

    def put(self, queue_url: str, body: str, **attributes: str) -> None:
        """Put a message on a queue."""
        self.sqs.send_message(
            QueueUrl=queue_url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def messages(self, queue_url: str) -> list[tuple[str, dict[str, str]]]:
        """Take everything off a queue: bodies with their attributes, in the order of the bodies."""
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                named = {name: value["StringValue"] for name, value in attributes.items()}
                found.append((message["Body"], named))
                self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found, key=lambda each: each[0])

    def is_trigger_on(self) -> bool:
        """Tell whether the queue's trigger is on."""
        state = self.functions.get_event_source_mapping(UUID=self.mapping)["State"]
        return state == "Enabled"

    def empty(self) -> None:
        """Forget every message, those that somebody holds included."""
        for queue_url in (self.queue, self.dead_letter_queue):
            self.sqs.purge_queue(QueueUrl=queue_url)


class Parameters:
    """What SSM holds, but for what stands in *without*."""

    def __init__(self, aws: Aws, *, without: Sequence[str] = ()) -> None:
        self._ssm: SSMClient = aws.client("ssm")
        for name in without:
            self._ssm.delete_parameters(Names=[name])

    def __getitem__(self, name: str) -> str:
        return self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    def __contains__(self, name: str) -> bool:
        return not self._ssm.get_parameters(Names=[name])["InvalidParameters"]

    def put(self, name: str, value: str) -> None:
        """Write a SecureString."""
        self._ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)

    def kind(self, name: str) -> str:
        """Tell whether it is a SecureString."""
        return self._ssm.get_parameter(Name=name)["Parameter"]["Type"]

    def encrypted_with(self, name: str) -> str:
        """Give the key that encrypted what the parameter holds now."""
        return self._ssm.get_parameter_history(Name=name)["Parameters"][-1]["KeyId"]


def deploy_stage(aws: Aws, *, tencent: str) -> Stack:
    """Deploy the stage `local`, as `make demo` does, without the stand-in for its trigger."""
    template = pipeline.read_template(pipeline.PACKAGE)
    pipeline.put_secrets(aws, template)
    artifact = pipeline.PACKAGE / "functions.zip"
    parameters = {"TencentSesEndpoint": tencent}
    return deploy(aws, template, artifact, parameters, name=pipeline.STACK_NAME)
