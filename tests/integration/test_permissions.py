"""
Each permission is needed: without it, the function that has it fails.

Table-driven: a permission of a service below that is in a role and not in the table fails a test.
What the emulator does not enforce, logs and keys, is asserted on the template
(tests/infra/test_roles.py).
"""

import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from local.cloudformation import physical_ids
from local.pipeline import TOKEN
from local.poller.consumer_queue import ConsumerQueue, QueueError
from local.poller.mapping import read_mapping
from local.tencent import faults
from tests.infra.compiled import as_list
from tests.integration.conftest import listen
from tests.integration.site import Door, Site
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

#: What the emulator enforces of what the roles may do.
SERVICES = ("sqs:", "ssm:", "sns:", "dynamodb:")
#: Whom nobody has heard of yet: whoever is blocked already needs no request.
NEW_NAMES = count()


class Bench:
    """The stack, its roles, and both functions at hand. Nothing but the tests reads its queue."""

    def __init__(self, site: Site, door: Door) -> None:
        self.site = site
        self.door = door
        aws = site.pipeline.aws
        self._iam: Any = aws.client("iam")
        self._lambda: LambdaClient = aws.client("lambda")
        self.sqs: SQSClient = aws.client("sqs")
        self._names = physical_ids(aws.client("cloudformation"), door.stack.name)

    @property
    def queue_url(self) -> str:
        """Where events wait."""
        return self.door.stack.outputs["QueueUrl"]

    def policies(self, role: str) -> dict[str, dict[str, Any]]:
        """Give what *role* may do, by the names of its policies."""
        name = self._names[role]
        texts = {
            policy: self._iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in self._iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        return {
            policy: text if isinstance(text, dict) else json.loads(text)
            for policy, text in texts.items()
        }

    @contextmanager
    def without(self, right: "Right") -> Iterator[None]:
        """Take one permission away for a while."""
        before = self.policies(right.role)
        after = {policy: _without(text, right) for policy, text in before.items()}
        assert after != before
        self._put(right.role, after)
        try:
            yield
        finally:
            self._put(right.role, before)

    def _put(self, role: str, policies: Mapping[str, Mapping[str, Any]]) -> None:
        for policy, text in policies.items():
            self._iam.put_role_policy(
                RoleName=self._names[role], PolicyName=policy, PolicyDocument=json.dumps(text)
            )

    def post(self, body: bytes) -> int:
        """Post a callback; give the status."""
        return self.door.request(f"/callbacks/{TOKEN}", body).status_code

    def forget(self, output: str) -> None:
        """Let a function begin anew: it keeps its secrets as long as it lives."""
        self.site.begin_anew(self.door, output)

    def forward(self, body: str) -> str:
        """Call the door, and give what it wrote."""
        event = {
            "rawPath": f"/callbacks/{TOKEN}",
            "requestContext": {"http": {"method": "POST"}},
            "body": body,
        }
        answer = self._lambda.invoke(
            FunctionName=self.door.stack.outputs["ReceiveCallbackFunction"],
            LogType="Tail",
            Payload=json.dumps(event),
        )
        return b64decode(answer["LogResult"]).decode()

    def consume(self, *records: Mapping[str, object]) -> Sequence[str]:
        """Hand messages to the consumer; give the ids of those that it hands back."""
        answer = self._lambda.invoke(
            FunctionName=self.door.stack.outputs["BlockRecipientsFunction"],
            Payload=json.dumps({"Records": records}),
        )
        failures = json.loads(answer["Payload"].read())["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in failures]

    def trigger(self) -> ConsumerQueue:
        """Give the queue as the trigger sees it, in the name of the consumer's role."""
        aws = self.site.pipeline.aws
        mapping = read_mapping(aws, self.door.stack.outputs["EventSourceMapping"])
        return ConsumerQueue(
            aws, queue_arn=mapping.queue_arn, role_arn=mapping.role_arn, clock=time.monotonic
        )

    def received(self, *, hidden_seconds: int, receives: int) -> dict[str, object]:
        """Send a message and receive it; give it as the consumer would get it."""
        bounce = make_bounce()
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=bounce)
        [message] = self.sqs.receive_message(
            QueueUrl=self.queue_url, WaitTimeSeconds=5, VisibilityTimeout=hidden_seconds
        )["Messages"]
        return make_record(
            bounce, handle=message["ReceiptHandle"], name=message["MessageId"], receives=receives
        )


def make_bounce() -> str:
    return json.dumps(
        {
            "event": "bounce",
            "bounceType": "hard_bounce",
            "email": f"permitted-{next(NEW_NAMES)}@doors.example.com",
            "reason": "550 5.1.1 user unknown",
        }
    )


def make_record(
    body: str, *, handle: str = "handle", name: str = "m-1", receives: int = 1
) -> dict[str, object]:
    return {
        "messageId": name,
        "receiptHandle": handle,
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
    }


@dataclass(frozen=True, slots=True)
class Right:
    """A permission of a role's, on what has *resource* in its ARN, and how to see that it works."""

    role: str
    action: str
    resource: str
    works: Callable[[Bench], bool]

    def __str__(self) -> str:
        """Name the test."""
        return f"{self.role.removesuffix('Role')} {self.action} {self.resource}"


def _without(policy: Mapping[str, Any], right: Right) -> dict[str, Any]:
    kept = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in _pairs(policy)
        if action.removesuffix("Batch") != right.action or right.resource not in resource
    ]
    nothing = {"Effect": "Allow", "Action": "none:Nothing", "Resource": "arn:aws:none:::nothing"}
    return {**policy, "Statement": kept or [nothing]}


def _pairs(policy: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in policy["Statement"]:
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield action, resource


def keeps_events(bench: Bench) -> bool:
    return bench.post(make_bounce().encode()) == 200


def keeps_junk(bench: Bench) -> bool:
    return bench.post(b"junk") == 200


def knows_its_tokens(bench: Bench) -> bool:
    bench.forget("ReceiveCallbackFunction")
    return bench.post(b"[]") == 200


def passes_callbacks_on(bench: Bench) -> bool:
    return "ForwardFailed" not in bench.forward('{"event":"open","email":"a@example.com"}')


def is_fed(bench: Bench) -> bool:
    try:
        bench.trigger().receive(max_messages=1, wait_seconds=0)
    except QueueError:
        return False
    return True


def may_see_the_queue(bench: Bench) -> bool:
    try:
        return bench.trigger().visibility_seconds() > 0
    except QueueError:
        return False


def is_done_with_what_it_did(bench: Bench) -> bool:
    bench.sqs.send_message(QueueUrl=bench.queue_url, MessageBody=make_bounce())
    trigger = bench.trigger()
    return not trigger.delete(trigger.receive(max_messages=1, wait_seconds=5))


def puts_poison_aside(bench: Bench) -> bool:
    return bench.consume(make_record("junk")) == []


def blocks_from_a_cold_start(bench: Bench) -> bool:
    bench.forget("BlockRecipientsFunction")
    return bench.consume(make_record(make_bounce())) == []


def chooses_when_to_try_again(bench: Bench) -> bool:
    """
    See which of two failed messages comes back first.

    The first was to stay away for a minute, the second for some seconds. A consumer that may say so
    fetches the first at once, since it failed once, and sends the second away, since it failed
    often.
    """
    bench.sqs.purge_queue(QueueUrl=bench.queue_url)
    bench.consume(make_record("junk"))  # warm, so that the seconds below are enough
    first = bench.received(hidden_seconds=60, receives=1)
    second = bench.received(hidden_seconds=4, receives=12)
    double = bench.site.pipeline.double
    double.misbehave(faults.error("RequestLimitExceeded"))
    assert len(bench.consume(first, second)) == 2
    back: list[str] = []

    def receive() -> bool:
        answer = bench.sqs.receive_message(QueueUrl=bench.queue_url, MaxNumberOfMessages=10)
        back.extend(message["MessageId"] for message in answer.get("Messages", []))
        return bool(back)

    wait_until(receive)
    double.behave()
    return back == [first["messageId"]]


DOOR, CONSUMER = "ReceiveCallbackRole", "BlockRecipientsRole"
RIGHTS = (
    Right(DOOR, "sqs:SendMessage", "-events-", keeps_events),
    Right(DOOR, "sqs:SendMessage", "-dead-letters-", keeps_junk),
    Right(DOOR, "ssm:GetParameter", "/callback-tokens", knows_its_tokens),
    Right(DOOR, "sns:Publish", ":permitted", passes_callbacks_on),
    Right(CONSUMER, "sqs:ReceiveMessage", "-events-", is_fed),
    Right(CONSUMER, "sqs:GetQueueAttributes", "-events-", may_see_the_queue),
    Right(CONSUMER, "sqs:DeleteMessage", "-events-", is_done_with_what_it_did),
    Right(CONSUMER, "sqs:ChangeMessageVisibility", "-events-", chooses_when_to_try_again),
    Right(CONSUMER, "sqs:SendMessage", "-dead-letters-", puts_poison_aside),
    Right(CONSUMER, "ssm:GetParameter", "/tencent-credentials", blocks_from_a_cold_start),
    Right(CONSUMER, "ssm:GetParameter", "/ledger-key", blocks_from_a_cold_start),
    Right(CONSUMER, "dynamodb:UpdateItem", "LedgerTable", blocks_from_a_cold_start),
)


@pytest.fixture(scope="module")
def bench(site: Site) -> Iterator[Bench]:
    aws = site.pipeline.aws
    sns: SNSClient = aws.client("sns")
    topic = sns.create_topic(Name="permitted")["TopicArn"]
    listen(aws, topic, name="permitted")
    door = site.deploy("url", ForwardTopicArn=topic)
    bench = Bench(site, door)
    yield bench
    bench.sqs.purge_queue(QueueUrl=bench.queue_url)


@pytest.mark.parametrize("right", RIGHTS, ids=str)
def test_function_fails_without_it(bench: Bench, right: Right) -> None:
    """And works with it, before and after: nothing else is in the way."""
    assert right.works(bench)

    with bench.without(right):
        assert not right.works(bench)

    assert right.works(bench)


@pytest.mark.parametrize("role", [DOOR, CONSUMER])
def test_every_permission_has_its_row(bench: Bench, role: str) -> None:
    """One that nothing needs is one too many; one that is needed and not tried may go unnoticed."""
    granted = {
        (action.removesuffix("Batch"), resource)
        for policy in bench.policies(role).values()
        for action, resource in _pairs(policy)
        if action.startswith(SERVICES)
    }
    rows = [right for right in RIGHTS if right.role == role]

    tried = {
        (action, resource): [
            right for right in rows if right.action == action and right.resource in resource
        ]
        for action, resource in granted
    }

    assert all(len(found) == 1 for found in tried.values()), tried
    assert len(tried) == len(rows)
