"""
Each door in front of the packaged functions: the same callbacks, from HTTP to the blocklist.

One more stack in the running emulator, changed from door to door as an operator would change it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from infra.ingress import EXAMPLES
from infra.template import compile_template
from local.pipeline import PACKAGE, TOKEN, Pipeline, put_secrets
from local.stack import Stack, deploy
from tests.integration.conftest import listen
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient

pytestmark = pytest.mark.integration

STAGE = "doors"
#: As the stage local has them.
HERE = {
    "transport": "loopback",
    "windowSeconds": "2",
    "consumerTimeoutSeconds": "10",
    "visibilitySeconds": "62",
    "firstRetrySeconds": "1",
    "dryRun": "false",
    "alarms": "off",
}
#: Those that listen; `none` has its own test.
LISTENING = ("url", "http-api", "http-api-domain", "alb", "alb-listener")


@dataclass(frozen=True, slots=True)
class Door:
    """The stack behind one door, and how to reach it in the emulator."""

    stack: Stack
    base_url: str
    host: str | None = None

    def request(self, path: str, body: bytes = b"", *, method: str = "POST") -> requests.Response:
        """Send a request as its caller would, under the name that DNS would lead to the door."""
        headers = {"Host": self.host} if self.host else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.base_url}{path}", data=body, headers=headers, timeout=30
            )


class Site:
    """What an operator has before the stack: a certificate's ARN, and a load balancer."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self.pipeline = pipeline
        self._folder = folder
        self._listener: Mapping[str, Any] = {}

    def deploy(self, example: str, **parameters: str) -> Door:
        """Put the door *example* in front of the stack."""
        target = self._folder / f"{example}.json"
        if not target.exists():
            compile_template(
                STAGE,
                artifact=PACKAGE / "functions.zip",
                target=target,
                params=self._params(example),
            )
        template = json.loads(target.read_text())
        put_secrets(self.pipeline.aws, template)
        stack = deploy(
            self.pipeline.aws,
            template,
            PACKAGE / "functions.zip",
            {"TencentSesEndpoint": self.pipeline.double.url, **parameters},
            name=f"ses-blocklist-{STAGE}",
        )
        return self._door(example, stack)

    def _params(self, example: str) -> dict[str, str]:
        params = {**HERE, **EXAMPLES[example]}
        if "listenerArn" in params:
            params["listenerArn"] = self._listener_arn()
        if "producers" in params:
            params["producers"] = ",".join(self._producers())
        return params

    def _listener_arn(self) -> str:
        """Make what an operator has already, with a rule of its own on it."""
        balancing: Any = self.pipeline.aws.client("elbv2")
        [balancer] = balancing.create_load_balancer(
            Name="already-there", Subnets=["subnet-1", "subnet-2"]
        )["LoadBalancers"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
        [listener] = balancing.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=8081,
            DefaultActions=[fixed],
        )["Listeners"]
        self._listener = {**listener, **balancer}
        arn: str = listener["ListenerArn"]
        return arn

    def _producers(self) -> Iterator[str]:
        """Make two roles, which may do nothing by themselves."""
        iam: Any = self.pipeline.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        for name in ("producer", "another-producer", "stranger"):
            arn: str = iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=json.dumps(
                    {"Version": "2012-10-17", "Statement": [trust]}
                ),
            )["Role"]["Arn"]
            if name != "stranger":
                yield arn

    def _door(self, example: str, stack: Stack) -> Door:
        """Say where the emulator serves what DNS and TLS lead to elsewhere."""
        endpoint, outputs = stack.endpoint_url, stack.outputs
        match example:
            case "url":
                return Door(stack, stack.callback_url("").removesuffix("/callbacks/"))
            case "alb":
                return Door(stack, endpoint, host=f"{outputs['CallbackDomainTarget']}:8081")
            case "alb-listener":
                return Door(stack, endpoint, host=f"{self._listener['DNSName']}:8081")
            case "http-api" | "http-api-domain":
                api: Any = self.pipeline.aws.client("apigatewayv2")
                [ours] = [
                    one
                    for one in api.get_apis()["Items"]
                    if one["Name"] == f"ses-blocklist-{STAGE}"
                ]
                return Door(stack, f"{endpoint}/_aws/execute-api/{ours['ApiId']}")
            case _:
                return Door(stack, endpoint)


@pytest.fixture(scope="module")
def site(running: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(running, tmp_path_factory.mktemp("doors"))


@pytest.fixture(scope="module", params=LISTENING)
def door(site: Site, request: pytest.FixtureRequest) -> Door:
    example: str = request.param
    return site.deploy(example)


def test_callback_ends_on_the_blocklist(
    site: Site, door: Door, request: pytest.FixtureRequest, bounce: Callable[..., dict[str, object]]
) -> None:
    recipient = f"{request.node.callspec.params['door']}@doors.example.com"

    response = door.request(f"/callbacks/{TOKEN}", json.dumps(bounce(recipient)).encode())

    assert (response.status_code, response.json()) == (200, {"kept": 1, "dead_letters": 0})
    wait_until(lambda: recipient in site.pipeline.double.blocked)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"/callbacks/{TOKEN}", b"", 200),
        ("HEAD", f"/callbacks/{TOKEN}", b"", 200),
        ("POST", f"/callbacks/{TOKEN}", b"[]", 200),
        ("POST", f"/callbacks/{TOKEN}", b"\xff\xfe no text", 200),
        ("POST", f"/callbacks/{TOKEN}", b" " * (1024 * 1024 + 1), 413),
        ("PUT", f"/callbacks/{TOKEN}", b"{}", 404),
        ("POST", "/callbacks/a-token-that-nobody-knows", b"{}", 404),
    ],
    ids=["GET", "HEAD", "probe", "junk", "too large", "PUT", "stranger"],
)
def test_door_keeps_the_contract(
    door: Door, method: str, path: str, body: bytes, status: int
) -> None:
    assert door.request(path, body, method=method).status_code == status


def test_address_is_an_output(door: Door, request: pytest.FixtureRequest) -> None:
    address = door.stack.outputs["CallbackBaseUrl"]

    assert address.endswith("/callbacks/")
    example = request.node.callspec.params["door"]
    if "domainName" in EXAMPLES[example]:
        port = ":8081" if example.startswith("alb") else ""
        assert address == f"https://callbacks.example.com{port}/callbacks/"


@pytest.mark.parametrize(("example", "status"), [("alb", 404), ("alb-listener", 418)])
def test_load_balancer_lets_callbacks_through_alone(site: Site, example: str, status: int) -> None:
    """Its own answer to anything else: ours is 404, an operator's what it was before."""
    assert site.deploy(example).request("/", b"{}").status_code == status


def test_each_port_of_the_load_balancer_leads_to_the_door(site: Site) -> None:
    door = site.deploy("alb")
    on_443 = Door(
        door.stack, door.base_url, host=f"{door.stack.outputs['CallbackDomainTarget']}:443"
    )

    assert on_443.request(f"/callbacks/{TOKEN}", b"[]").status_code == 200
    assert on_443.request("/", b"[]").status_code == 404


def test_without_a_door_producers_put_callbacks_on_the_queue(
    site: Site, bounce: Callable[..., dict[str, object]]
) -> None:
    """By the queue's policy: their own roles allow them nothing."""
    queue_url = site.deploy("none").stack.outputs["QueueUrl"]
    body = json.dumps(bounce("produced@doors.example.com"))

    _as_role(site, "producer").send_message(QueueUrl=queue_url, MessageBody=body)

    wait_until(lambda: "produced@doors.example.com" in site.pipeline.double.blocked)


def test_without_a_door_others_put_nothing_on_the_queue(site: Site) -> None:
    queue_url = site.deploy("none").stack.outputs["QueueUrl"]
    stranger = _as_role(site, "stranger")

    with pytest.raises(stranger.exceptions.ClientError, match="AccessDenied"):
        stranger.send_message(QueueUrl=queue_url, MessageBody="{}")


def _as_role(site: Site, name: str) -> "SQSClient":
    aws = site.pipeline.aws
    sts: STSClient = aws.client("sts")
    credentials = sts.assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{name}", RoleSessionName="test"
    )["Credentials"]
    client: SQSClient = aws.as_role(credentials).client("sqs")
    return client


def test_topic_hears_every_callback_as_it_came(site: Site) -> None:
    """Deliveries and opens too; and the door's own role is let in by name."""
    aws = site.pipeline.aws
    sns: SNSClient = aws.client("sns")
    sqs: SQSClient = aws.client("sqs")
    topic = sns.create_topic(Name="callbacks")["TopicArn"]
    listener = listen(aws, topic, name="listener")
    door = site.deploy("url", ForwardTopicArn=topic)
    body = b'{"event":"open",\n "email":"opened@doors.example.com"}'

    assert door.request(f"/callbacks/{TOKEN}", body).status_code == 200

    [message] = sqs.receive_message(QueueUrl=listener, WaitTimeSeconds=5)["Messages"]
    assert message["Body"].encode() == body
