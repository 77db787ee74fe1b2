"""Functions and handlers as targets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.aws import Aws
from local.poller.mapping import read_mapping
from local.poller.targets import InvocationError, LambdaTarget, ThrottledError, in_process
from local.stack import deploy
from tests.local.templates import make_artifact, make_template

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

EVENT = {"Records": [{"body": "größe"}]}


def test_handler_in_process_answers_in_json() -> None:
    invoke = in_process(lambda event, context: {"got": event["Records"], "context": context})

    answer, error = invoke(EVENT)

    assert json.loads(answer) == {"got": EVENT["Records"], "context": None}
    assert error is None


def test_handler_in_process_cannot_change_the_callers_event() -> None:
    event = {"Records": [{"body": "a"}]}

    in_process(lambda event, _: event["Records"].clear())(event)

    assert event == {"Records": [{"body": "a"}]}


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [(lambda *_: 1 / 0, "ZeroDivisionError"), (lambda *_: object(), "TypeError")],
)
def test_whatever_a_handler_in_process_raises_is_a_function_error(
    handler: Callable[..., object], error_type: str
) -> None:
    answer, error = in_process(handler)(EVENT)

    assert json.loads(answer) == {"errorType": error_type}
    assert error == "Unhandled"


ECHO = """
def handler(event, context):
    return event["Records"][0]["body"].upper()
"""


def make_target(aws: Aws, folder: Path) -> LambdaTarget:
    artifact = make_artifact(folder, ECHO)
    stack = deploy(aws, make_template(), artifact, {"TencentSesEndpoint": "e"})
    return LambdaTarget(aws, read_mapping(aws, stack.outputs["EventSourceMapping"]))


def get_function(aws: Aws) -> str:
    lambda_client: LambdaClient = aws.client("lambda")
    [function] = lambda_client.list_functions()["Functions"]
    return function["FunctionName"]


@pytest.mark.integration
def test_function_answers(aws: Aws, tmp_path: Path) -> None:
    assert make_target(aws, tmp_path)(EVENT) == ('"GRÖSSE"'.encode(), None)


@pytest.mark.integration
def test_what_a_function_raises_is_a_function_error(aws: Aws, tmp_path: Path) -> None:
    _, error = make_target(aws, tmp_path)({"Records": []})

    assert error == "Unhandled"


@pytest.mark.integration
def test_function_without_room_throttles(aws: Aws, tmp_path: Path) -> None:
    target = make_target(aws, tmp_path)
    lambda_client: LambdaClient = aws.client("lambda")
    lambda_client.put_function_concurrency(
        FunctionName=get_function(aws), ReservedConcurrentExecutions=0
    )

    with pytest.raises(ThrottledError):
        target(EVENT)


@pytest.mark.integration
def test_missing_function_cannot_be_invoked(aws: Aws, tmp_path: Path) -> None:
    target = make_target(aws, tmp_path)
    lambda_client: LambdaClient = aws.client("lambda")
    lambda_client.delete_function(FunctionName=get_function(aws))

    with pytest.raises(InvocationError, match="ResourceNotFoundException"):
        target(EVENT)
