"""
The zip is complete: both functions run from it alone, under Lambda's own client.

The emulator's functions see the emulator's packages, so one that the zip lacks is not missed there.
Here is nothing but the interpreter's own library, boto3, and the zip (`lambda_runtime`).
"""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.pipeline import PACKAGE, REGION, TOKEN
from tests.integration.conftest import Sender
from tests.integration.lambda_runtime import running_function

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

pytestmark = pytest.mark.integration

Bounce = Callable[..., dict[str, object]]

DOOR = "functions.receive_callback.handler.lambda_handler"
CONSUMER = "functions.block_recipients.handler.lambda_handler"


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(PACKAGE / "functions.zip") as archive:
        archive.extractall(folder)
    return folder


def environment(sender: Sender, output: str) -> dict[str, str]:
    """Give what the template sets for the function, and the way to the emulator."""
    client: LambdaClient = sender.pipeline.aws.client("lambda")
    name = sender.pipeline.stack.outputs[output]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return {
        **variables,
        "AWS_ENDPOINT_URL": sender.pipeline.aws.endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def test_door_runs_from_the_zip_alone(
    sender: Sender, bounce: Bounce, task: Path, tmp_path: Path
) -> None:
    """It reads its token from SSM and puts the event on the queue, which ends on the list."""
    event = {
        "version": "2.0",
        "rawPath": f"/callbacks/{TOKEN}",
        "requestContext": {"http": {"method": "POST"}},
        "body": json.dumps(bounce("zip-door@example.com")),
        "isBase64Encoded": False,
    }
    settings = environment(sender, "ReceiveCallbackFunction")

    with running_function(DOOR, task=task, folder=tmp_path, environment=settings) as function:
        answer = function.invoke(event)

    assert not answer.failed, answer.payload
    assert answer.payload["statusCode"] == 200
    assert json.loads(answer.payload["body"]) == {"kept": 1, "dead_letters": 0}
    sender.wait_until_blocked("zip-door@example.com")


def test_consumer_runs_from_the_zip_alone(
    sender: Sender, bounce: Bounce, task: Path, tmp_path: Path
) -> None:
    """Through all that is imported when it is needed: the key, Tencent's SDK, punycode."""
    recipients = ("zip-consumer@example.com", "zip-consumer@münchen.example")
    records = [
        {
            "messageId": f"m-{position}",
            "receiptHandle": f"handle-{position}",
            "body": json.dumps(bounce(recipient)),
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
        }
        for position, recipient in enumerate(recipients)
    ]
    settings = environment(sender, "BlockRecipientsFunction")

    with running_function(CONSUMER, task=task, folder=tmp_path, environment=settings) as function:
        answer = function.invoke({"Records": records})
        log = function.log

    assert not answer.failed, answer.payload
    assert answer.payload == {"batchItemFailures": []}, log
    assert set(sender.double.blocked) >= {
        "zip-consumer@example.com",
        "zip-consumer@xn--mnchen-3ya.example",
    }
    metrics = [json.loads(line) for line in log.splitlines() if "CloudWatchMetrics" in line]
    assert [line["Added"] for line in metrics if "Added" in line] == [[2]]


@pytest.mark.parametrize("package", ["aws_lambda_powertools", "msgspec", "jmespath"])
def test_package_that_the_zip_lacks_is_missed(task: Path, tmp_path: Path, package: str) -> None:
    """Else the two tests above would prove nothing."""
    shutil.copytree(task, tmp_path / "task", ignore=shutil.ignore_patterns(package))

    with running_function(
        DOOR, task=tmp_path / "task", folder=tmp_path, environment={}
    ) as function:
        answer = function.answer()

    assert answer.failed
    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert f"No module named '{package}'" in answer.payload["errorMessage"]
