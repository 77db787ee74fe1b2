"""The whole pipeline on this machine: emulator, double, compiled template, packaged functions."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.aws import Aws
from local.emulator import Emulator
from local.poller import Poller
from local.stack import Stack, deploy
from local.tencent.double import TencentDouble

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

REGION = "ap-southeast-1"
#: As `make deploy STAGE=local` would call it, so that `ses-blocklist --stage local` finds it.
STACK_NAME = "ses-blocklist-local"
#: What `make package PLATFORM=local` leaves.
PACKAGE = Path(__file__).resolve().parent.parent / "dist" / "local"

TOKEN = "local-token-not-a-secret"  # noqa: S105 - it opens this machine's stack only
PREVIOUS_TOKEN = "previous-local-token-not-a-secret"  # noqa: S105 - as above
SECRET_ID, SECRET_KEY = "AKIDlocal", "local-secret-key"
LEDGER_KEY = "local-ledger-key-that-hashes-nobody-real"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything that runs, and what to ask it."""

    aws: Aws
    double: TencentDouble
    stack: Stack
    poller: Poller

    @property
    def callback_url(self) -> str:
        """Where Tencent would post to."""
        return self.stack.callback_url(TOKEN)

    def waiting(self) -> int:
        """Count the messages on the source queue, those being worked on included."""
        return self._count(self.stack.outputs["QueueUrl"])

    def dead_letters(self) -> int:
        """Count the messages on the dead-letter queue."""
        return self._count(self.stack.outputs["DeadLetterQueueUrl"])

    def _count(self, queue_url: str) -> int:
        sqs: SQSClient = self.aws.client("sqs")
        attributes = sqs.get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )["Attributes"]
        return sum(map(int, attributes.values()))


@contextmanager
def running_pipeline(
    *, package: Path = PACKAGE, on_step: Callable[[str], None] = lambda _: None
) -> Iterator[Pipeline]:
    """
    Start everything, hand it over, and end it whatever happens.

    *on_step* hears what is being started. The functions reach the double under its own address,
    with secrets read from SSM by their own roles.
    """
    template = read_template(package)
    on_step("a double of Tencent's API")
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        on_step("an emulator of AWS")
        with Emulator(region=REGION) as aws:
            on_step("the compiled template, with the packaged functions")
            put_secrets(aws, template)
            stack = deploy(
                aws,
                template,
                package / "functions.zip",
                {"TencentSesEndpoint": double.url},
                name=STACK_NAME,
            )
            on_step("the poller in place of the event source mapping")
            with Poller(aws, stack.outputs["EventSourceMapping"]) as poller:
                yield Pipeline(aws, double, stack, poller)


def read_template(package: Path) -> dict[str, Any]:
    """
    Read the compiled template.

    Raises:
        FileNotFoundError: it was not built; the text says how.
    """
    path = package / "template.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: run `make package PLATFORM=local`")
    template: dict[str, Any] = json.loads(path.read_text())
    return template


def put_secrets(aws: Aws, template: dict[str, Any]) -> None:
    """Put what an operator puts before the first deployment: the tokens and the two keys."""
    ssm: SSMClient = aws.client("ssm")
    outputs = template["Outputs"]
    key = json.dumps({"secret_id": SECRET_ID, "secret_key": SECRET_KEY})
    for output, value in (
        ("CallbackTokensParameter", f"{TOKEN},{PREVIOUS_TOKEN}"),
        ("TencentCredentialsParameter", key),
        ("LedgerKeyParameter", LEDGER_KEY),
    ):
        ssm.put_parameter(
            Name=outputs[output]["Value"], Value=value, Type="SecureString", Overwrite=True
        )
