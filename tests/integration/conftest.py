"""One running pipeline for every test here: nothing in it is mocked but the two clouds."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
import requests

from functions.blocklist.adapters.dynamo_table import DynamoTable
from functions.blocklist.adapters.hashing import KeyedHash
from local.aws import Aws
from local.demo.accounting import DeadLetter, read_dead_letters
from local.emulator import Emulator
from local.pipeline import TOKEN, Pipeline, running_pipeline
from local.tencent.double import TencentDouble
from tests.integration.site import Site
from tests.local.logs import read_logs
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient


class Sender:
    """Tencent's side of the pipeline, and an operator's."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def double(self) -> TencentDouble:
        """Tencent's API."""
        return self.pipeline.double

    def request(
        self, method: str = "POST", *, token: str = TOKEN, body: str | bytes = b""
    ) -> requests.Response:
        """Send a request to the callback's address."""
        url = self.pipeline.stack.callback_url(token)
        data = body.encode() if isinstance(body, str) else body
        return self._session.request(method, url, data=data, timeout=30)

    def post(self, *callbacks: Mapping[str, object]) -> None:
        """Post callbacks as Tencent would: one as an object, several as an array."""
        body = json.dumps(callbacks[0] if len(callbacks) == 1 else callbacks)
        response = self.request(body=body)
        assert response.status_code == 200, response.text

    def queue(self, body: str, **attributes: str) -> None:
        """Put a message on the queue as an operator would."""
        sqs: SQSClient = self.pipeline.aws.client("sqs")
        sqs.send_message(
            QueueUrl=self.pipeline.stack.outputs["QueueUrl"],
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - its answer
        """Call a function under the stack's output *function*."""
        client: LambdaClient = self.pipeline.aws.client("lambda")
        response = client.invoke(
            FunctionName=self.pipeline.stack.outputs[function], Payload=json.dumps(event)
        )
        payload = json.loads(response["Payload"].read())
        assert "FunctionError" not in response, payload
        return payload

    def wait_until_blocked(self, *recipients: str) -> None:
        """Wait until all of *recipients* are on the blocklist."""
        wait_until(lambda: set(recipients) <= set(self.double.blocked))

    def wait_until_quiet(self) -> None:
        """Wait until nothing is on the queue, or between it and its end."""
        wait_until(lambda: self.pipeline.waiting() == 0)

    def dead_letters(self) -> Sequence[DeadLetter]:
        """Give all dead letters so far."""
        return read_dead_letters(self.pipeline)

    def logs(self) -> str:
        """Give all that both functions wrote."""
        return read_logs(self.pipeline)


def listen(aws: Aws, topic_arn: str, *, name: str) -> str:
    """Subscribe a new queue to a topic, which gets messages as they were published."""
    sqs: SQSClient = aws.client("sqs")
    sns: SNSClient = aws.client("sns")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    known = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": known["QueueArn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=known["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return url


@pytest.fixture(scope="session")
def running() -> Iterator[Pipeline]:
    with running_pipeline() as pipeline:
        yield pipeline


@pytest.fixture
def sender(running: Pipeline) -> Iterator[Sender]:
    """Give a pipeline at rest, and leave it so."""
    sender = Sender(running)
    yield sender
    running.double.plug()
    running.double.behave()
    running.double.refused = frozenset()
    sender.wait_until_quiet()


@pytest.fixture(scope="session")
def site(running: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(running, tmp_path_factory.mktemp("site"))


@pytest.fixture
def bounce() -> Callable[..., dict[str, object]]:
    """Make a hard bounce."""

    def make(recipient: str, **changed: object) -> dict[str, object]:
        callback = {
            "event": "bounce",
            "bounceType": "hard_bounce",
            "reason": "550 5.1.1 user unknown",
        }
        return callback | {"email": recipient, **changed}

    return make


@pytest.fixture(scope="session")
def client() -> Iterator["DynamoDBClient"]:
    """Give DynamoDB alone, with nothing in it."""
    with Emulator(region="ap-southeast-1") as aws:
        yield aws.client("dynamodb")


@pytest.fixture
def table(client: "DynamoDBClient") -> Iterator[DynamoTable]:
    """Give an empty table as infra/ledger.yml makes it."""
    client.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield DynamoTable(lambda: client, "ledger")
    client.delete_table(TableName="ledger")


@pytest.fixture
def hashed() -> KeyedHash:
    return KeyedHash(lambda: "0123456789abcdef0123456789abcdef")
