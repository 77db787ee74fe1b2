"""What a batch is handed to: a deployed function, or a handler in this process."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.poller.mapping import Mapping as EventSourceMapping
from local.poller.records import serialise

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

#: Takes an event; returns the payload of the answer, and what kind of function error it is, if any.
Invoke = Callable[[Mapping[str, Any]], tuple[bytes, str | None]]

#: A function is ended at its timeout; its cold start and the way to it come on top.
_INVOKE_EXTRA_SECONDS = 60


class ThrottledError(Exception):
    """The function has no room for the invocation at present."""


class InvocationError(Exception):
    """The function could not be invoked; carries the code."""


class LambdaTarget:
    """
    The mapping's own function, through Lambda's Invoke.

    Raises:
        ThrottledError: Lambda answered 429.
        InvocationError: There was no answer, or another refusal.
    """

    def __init__(self, aws: Aws, mapping: EventSourceMapping) -> None:
        self._function_arn = mapping.function_arn
        self._lambda: LambdaClient = aws.client(
            "lambda",
            attempts=1,  # a second try would be a second invocation
            connections=mapping.max_in_flight,
            read_timeout_seconds=mapping.function_timeout_seconds + _INVOKE_EXTRA_SECONDS,
        )

    def __call__(self, event: Mapping[str, Any]) -> tuple[bytes, str | None]:
        """Invoke the function with *event* and wait for its answer."""
        try:
            answer = self._lambda.invoke(FunctionName=self._function_arn, Payload=serialise(event))
            return answer["Payload"].read(), answer.get("FunctionError")
        except self._lambda.exceptions.TooManyRequestsException as error:
            raise ThrottledError from error
        except ClientError as error:
            raise InvocationError(error.response["Error"].get("Code")) from error
        except BotoCoreError as error:
            raise InvocationError(type(error).__name__) from error


def in_process(handler: Callable[[Any, Any], object], *, context: object = None) -> Invoke:
    """
    Make a target of a Lambda *handler* in this process.

    The event is a copy, as after its way through JSON; whatever the handler raises, or returns that
    JSON does not know, is a function error. Its timeout is not enforced.
    """

    def answer(event: Mapping[str, Any]) -> bytes:
        return json.dumps(handler(json.loads(serialise(event)), context)).encode()

    def invoke(event: Mapping[str, Any]) -> tuple[bytes, str | None]:
        with ThreadPoolExecutor(max_workers=1) as executor:  # holds any exception as a value
            running = executor.submit(answer, event)
        error = running.exception()
        if error is None:
            return running.result(), None
        return serialise({"errorType": type(error).__name__}), "Unhandled"

    return invoke
