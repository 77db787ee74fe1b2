"""
Post one callback to a deployed stack, and wait until its consumer has counted it.

`make smoke STAGE=...`. What it proves: the door takes the current token, the queue keeps, the
trigger invokes, the consumer starts with its settings, and metrics arrive. It blocks nobody
(functions/blocklist/domain/decisions.py), so nothing of Tencent is tried.
"""

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from functions.blocklist.domain.decisions import SMOKE_RECIPIENT

#: A window of a minute, 20 s for a quiet queue, a cold start, and CloudWatch's own minutes.
WAIT_SECONDS = 420.0
_POLL_SECONDS = 5.0
_POST_TIMEOUT_SECONDS = 30

_CALLBACK = json.dumps({"event": "bounce", "bounceType": "hard_bounce", "email": SMOKE_RECIPIENT})

Client = Callable[[str], Any]


class SmokeError(Exception):
    """The stack does not work; the message says where it ended and where to look."""


def smoke_test(
    stack: str,
    *,
    client: Client = boto3.client,
    wait_seconds: float = WAIT_SECONDS,
    sleep: Callable[[float], object] = time.sleep,
    address: Callable[[str], str] = str,
) -> float:
    """
    Return how many seconds it took from the callback to its metric.

    *address* turns the stack's callback address into one that can be reached from here.

    Raises:
        SmokeError: there is no such stack, it did not take the callback, or nothing was counted.
    """
    outputs = _outputs(client("cloudformation"), stack)
    cloudwatch = client("cloudwatch")
    start = datetime.now(UTC)
    before = _counted(cloudwatch, since=start)
    if "CallbackBaseUrl" in outputs:
        token = _current_token(client("ssm"), outputs["CallbackTokensParameter"])
        _post(address(outputs["CallbackBaseUrl"] + token))
    else:  # a stack without a door: what it has is the queue
        client("sqs").send_message(QueueUrl=outputs["QueueUrl"], MessageBody=_CALLBACK)
    deadline = time.monotonic() + wait_seconds
    while _counted(cloudwatch, since=start) <= before:
        if time.monotonic() > deadline:
            raise SmokeError(
                f"the callback was kept, but the consumer did not count it within "
                f"{wait_seconds:g} s. Look at the log of {outputs['BlockRecipientsFunction']}, at "
                "its trigger, and at the dead letters; the callback is still on its way or there."
            )
        sleep(_POLL_SECONDS)
    return (datetime.now(UTC) - start).total_seconds()


def reachable(url: str, *, endpoint: str) -> str:
    """
    Give the address under which a function URL answers; *endpoint* is AWS', if not its usual one.

    That is itself, but for an emulator on this machine: a function URL's host name leads nowhere
    there, and it serves the same path under its own address.
    """
    if not endpoint.startswith("http://127.0.0.1:"):
        return url
    host, _, path = url.partition("://")[2].partition("/")
    return f"{endpoint.rstrip('/')}/_aws/lambda-url/{host.partition('.')[0]}/{path}"


def _outputs(cloudformation: Any, name: str) -> Mapping[str, str]:  # noqa: ANN401 - see Client
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise SmokeError(f"no stack {name}: {error.response['Error']['Message']}") from None
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _current_token(ssm: Any, parameter: str) -> str:  # noqa: ANN401 - see Client
    try:
        answer = ssm.get_parameter(Name=parameter, WithDecryption=True)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise SmokeError(f"the token in {parameter} cannot be read: {code}") from None
    value: str = answer["Parameter"]["Value"]
    return value.partition(",")[0].strip()


def _post(url: str) -> None:
    """Post to *url*, which no message may name: it holds the token."""
    request = urllib.request.Request(  # noqa: S310 - the address is the stack's own
        url, data=_CALLBACK.encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_POST_TIMEOUT_SECONDS) as response:  # noqa: S310
            answer = response.read()
    except urllib.error.HTTPError as error:
        with error:
            raise SmokeError(f"the door answered {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        raise SmokeError(f"the door does not answer: {type(error).__name__}") from None
    if not _is_kept(answer):
        raise SmokeError("something answered 200, but did not keep the callback")


def _is_kept(answer: bytes) -> bool:
    try:
        return bool(json.loads(answer) == {"kept": 1, "dead_letters": 0})
    except ValueError:
        return False


def _counted(cloudwatch: Any, *, since: datetime) -> float:  # noqa: ANN401 - see Client
    """Return how many smoke tests the consumer counted from the minute of *since* on."""
    points = cloudwatch.get_metric_statistics(
        Namespace="SesBlocklist",
        MetricName="Smoke",
        Dimensions=[{"Name": "service", "Value": "block_recipients"}],
        StartTime=since.replace(second=0, microsecond=0),
        EndTime=since + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    total: float = sum(point["Sum"] for point in points)
    return total


def main(arguments: Sequence[str] | None = None) -> None:
    """Try a stack, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke")
    parser.add_argument("stack", help="its name, such as ses-blocklist-dev")
    parser.add_argument("--wait-seconds", type=float, default=WAIT_SECONDS)
    given = parser.parse_args(arguments)
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    seconds = smoke_test(
        given.stack,
        wait_seconds=given.wait_seconds,
        address=partial(reachable, endpoint=endpoint),
    )
    print(f"{given.stack}: counted {seconds:.0f} s after the callback")  # noqa: T201 - a command


if __name__ == "__main__":
    try:
        main()
    except SmokeError as error:
        sys.exit(f"smoke: {error}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"smoke: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
