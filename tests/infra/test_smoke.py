"""infra/smoke.py: a deployment that does not work is told from one that does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.smoke import SmokeError, reachable, smoke_test


class Account:
    """A deployed stack, as far as the smoke test sees it; `client` is what it calls."""

    def __init__(self, base_url: str) -> None:
        self.outputs = {
            "CallbackBaseUrl": base_url,
            "CallbackTokensParameter": "/tokens",
            "BlockRecipientsFunction": "consumer",
            "QueueUrl": "queue",
        }
        self.tokens = "current-token, previous-token"
        self.queued: list[str] = []
        #: The metric at each look, the last one for ever: its sums, by minutes from now.
        self.looks: list[dict[int, float]] = [{0: 3}, {0: 3}, {0: 4}]

    def client(self, service: str) -> "Account":
        assert service in {"cloudformation", "ssm", "cloudwatch", "sqs"}
        return self

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        if StackName != "ses-blocklist-dev":
            raise ClientError({"Error": {"Message": "does not exist"}}, "DescribeStacks")
        pairs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"Outputs": pairs}]}

    def get_parameter(self, **_: object) -> dict[str, Any]:
        if not self.tokens:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": self.tokens}}

    def get_metric_statistics(
        self,
        *,
        Namespace: str,  # noqa: N803 - boto3's, as all of them
        MetricName: str,  # noqa: N803
        Dimensions: list[dict[str, str]],  # noqa: N803
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        Period: int,  # noqa: N803
        Statistics: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        assert (Namespace, MetricName) == ("SesBlocklist", "Smoke")
        assert Dimensions == [{"Name": "service", "Value": "block_recipients"}]
        assert (Period, Statistics) == (60, ["Sum"])
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        sums = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        points = {minute + timedelta(minutes=each): total for each, total in sums.items()}
        return {
            "Datapoints": [
                {"Timestamp": moment, "Sum": total}
                for moment, total in points.items()
                if StartTime <= moment < EndTime
            ]
        }

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803 - boto3's
        assert QueueUrl == "queue"
        self.queued.append(MessageBody)


class Door(HTTPServer):
    """Answers as it is told to, and keeps what was posted."""

    status = 200
    answer = b'{"kept": 1, "dead_letters": 0}'

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Callback)
        self.posted: list[tuple[str, Any]] = []


class _Callback(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        door = self.server
        assert isinstance(door, Door)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        door.posted.append((self.path, json.loads(body)))
        self.send_response(door.status)
        self.end_headers()
        self.wfile.write(door.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as door:
        thread = Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield door
        door.shutdown()
        thread.join()


@pytest.fixture
def account(door: Door) -> Account:
    return Account(f"http://127.0.0.1:{door.server_port}/callbacks/")


def run(account: Account, stack: str = "ses-blocklist-dev") -> list[float]:
    slept: list[float] = []
    smoke_test(stack, client=account.client, wait_seconds=0.2, sleep=slept.append)
    return slept


def test_callback_goes_through_the_door_with_the_current_token(
    account: Account, door: Door
) -> None:
    slept = run(account)

    [(path, callback)] = door.posted
    assert path == "/callbacks/current-token"
    assert callback["email"] == "smoke@ses-blocklist.invalid"
    assert len(slept) == 1


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([{}, {}, {0: 1}], id="first of all"),
        pytest.param([{0: 3}, {0: 3}, {0: 4}], id="in a minute with others"),
        pytest.param([{0: 3}, {0: 3}, {0: 3, 6: 1}], id="minutes later"),
        pytest.param([{0: 3}, {0: 3}, {6: 1, 0: 3}], id="and told before the earlier ones"),
    ],
)
def test_its_count_is_seen_whenever_it_comes(
    account: Account, looks: list[dict[int, float]]
) -> None:
    """CloudWatch puts a count at the beginning of its minute, and promises no order."""
    account.looks = looks

    assert len(run(account)) == 1


def test_earlier_smoke_tests_do_not_count(account: Account) -> None:
    """Else every deployment after the first would pass."""
    account.looks = [{0: 3}]

    with pytest.raises(SmokeError, match=r"did not count it within 0\.2 s.*log of consumer"):
        run(account)


def test_stack_without_a_door_is_tried_by_its_queue(account: Account, door: Door) -> None:
    del account.outputs["CallbackBaseUrl"]

    run(account)

    assert door.posted == []
    assert "smoke@ses-blocklist.invalid" in account.queued[0]


@pytest.mark.parametrize(
    ("status", "answer", "trouble"),
    [
        (404, b"", "the door answered 404"),
        (503, b"", "the door answered 503"),
        (200, b'{"kept": 0, "dead_letters": 0}', "did not keep"),
        (200, b"<html>parked domain</html>", "did not keep"),
    ],
)
def test_door_that_does_not_keep_fails(
    account: Account, door: Door, status: int, answer: bytes, trouble: str
) -> None:
    door.status, door.answer = status, answer

    with pytest.raises(SmokeError, match=trouble) as error:
        run(account)

    assert "current-token" not in str(error.value)


def test_door_that_is_not_there_fails(account: Account) -> None:
    account.outputs["CallbackBaseUrl"] = "http://127.0.0.1:1/callbacks/"

    with pytest.raises(SmokeError, match="does not answer") as error:
        run(account)

    assert "current-token" not in str(error.value)


def test_missing_token_and_missing_stack_are_named(account: Account) -> None:
    account.tokens = ""

    with pytest.raises(SmokeError, match="/tokens cannot be read: ParameterNotFound"):
        run(account)
    with pytest.raises(SmokeError, match="no stack ses-blocklist-qa: does not exist"):
        run(account, "ses-blocklist-qa")


def test_emulated_door_is_called_where_it_answers() -> None:
    """A function URL's host name leads nowhere on this machine, and must not leave it."""
    url = "https://abc.lambda-url.ap-southeast-1.on.aws/callbacks/token"

    assert reachable(url, endpoint="") == url
    assert reachable(url, endpoint="https://lambda.example.com") == url
    assert reachable(url, endpoint="http://127.0.0.1:4566/") == (
        "http://127.0.0.1:4566/_aws/lambda-url/abc/callbacks/token"
    )
