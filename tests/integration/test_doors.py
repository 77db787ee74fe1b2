"""
Each door in front of the packaged functions: the same callbacks, from HTTP to the blocklist.

One more stack in the running emulator, changed from door to door as an operator would change it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from infra.ingress import EXAMPLES
from local.aws import Aws, Credentials
from local.pipeline import TOKEN
from local.poller import Poller
from tests.integration.conftest import listen
from tests.integration.site import Door, Site
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient

pytestmark = pytest.mark.integration

#: Those that listen; `none` has its own test.
LISTENING = ("url", "http-api", "http-api-domain", "alb", "alb-listener")


@pytest.fixture(scope="module", autouse=True)
def trigger(site: Site) -> Iterator[None]:
    """Poll for the stack, whose mapping stays the same behind every door."""
    mapping = site.deploy("url").stack.outputs["EventSourceMapping"]
    with Poller(site.pipeline.aws, mapping):
        yield


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


def test_other_account_is_refused_though_somebody_let_it_in(site: Site) -> None:
    """Both queues' policy denies it, which no other statement outweighs; without that it is in."""
    aws = site.pipeline.aws
    outputs = site.deploy("url").stack.outputs
    sqs: SQSClient = aws.client("sqs")
    theirs = Credentials("111111111111")  # the emulator takes it for the root of that account
    stranger: SQSClient = Aws(aws.endpoint_url, region=aws.region, credentials=theirs).client("sqs")
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}

    for url in (outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]):
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        policy = json.loads(before["Policy"])
        ours = policy["Statement"]
        _set_policy(sqs, url, {**policy, "Statement": [anybody]})
        stranger.send_message(QueueUrl=url, MessageBody="{}")

        _set_policy(sqs, url, {**policy, "Statement": [*ours, anybody]})
        with pytest.raises(stranger.exceptions.ClientError, match="AccessDenied"):
            stranger.send_message(QueueUrl=url, MessageBody="{}")
        with pytest.raises(stranger.exceptions.ClientError, match="AccessDenied"):
            stranger.receive_message(QueueUrl=url)

        _set_policy(sqs, url, policy)


def _set_policy(sqs: "SQSClient", url: str, policy: Mapping[str, object]) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def _as_role(site: Site, name: str) -> "SQSClient":
    aws = site.pipeline.aws
    sts: STSClient = aws.client("sts")
    credentials = sts.assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{name}", RoleSessionName="test"
    )["Credentials"]
    client: SQSClient = aws.as_role(credentials).client("sqs")
    return client


def test_secrets_are_read_by_names_without_a_slash_too(
    site: Site, bounce: Callable[..., dict[str, object]]
) -> None:
    """Every other test here has names that begin with one."""
    names = {
        "callbackTokensParameter": "tokens",
        "tencentCredentialsParameter": "our.key",
        "ledgerKeyParameter": "our.ledger-key",
    }
    door = site.deploy("url", settings=names)
    body = json.dumps(bounce("no-slash@doors.example.com")).encode()

    assert door.request(f"/callbacks/{TOKEN}", body).status_code == 200

    wait_until(lambda: "no-slash@doors.example.com" in site.pipeline.double.blocked)


def test_stage_with_a_key_of_its_own_blocks_as_any_other(
    site: Site, bounce: Callable[..., dict[str, object]]
) -> None:
    """
    Both queues change their key under way.

    Who may use the key, and the boundary, are asserted on the template (tests/infra/test_roles.py):
    the emulator asks for neither.
    """
    kms: Any = site.pipeline.aws.client("kms")
    sqs: SQSClient = site.pipeline.aws.client("sqs")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    site.deploy("url")

    door = site.deploy("url", KmsKeyArn=key)

    body = json.dumps(bounce("own-key@doors.example.com")).encode()
    assert door.request(f"/callbacks/{TOKEN}", body).status_code == 200
    wait_until(lambda: "own-key@doors.example.com" in site.pipeline.double.blocked)
    attributes = [
        sqs.get_queue_attributes(QueueUrl=door.stack.outputs[output], AttributeNames=["All"])
        for output in ("QueueUrl", "DeadLetterQueueUrl")
    ]
    assert [one["Attributes"]["KmsMasterKeyId"] for one in attributes] == [key] * 2


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
