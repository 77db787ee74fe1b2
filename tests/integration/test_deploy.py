"""
`make deploy` over a stack at work: from the version before to this one, and back.

Into an emulator of its own. It tests no permission there: what AWS takes for one permission of SQS
the emulator takes for two, which only `local/quirks.py` knows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
import requests

from infra.live import live_deployment
from infra.template import compile_templates
from local.aws import Aws
from local.cloudformation import apply_template, outputs
from local.emulator import Emulator
from local.pipeline import PACKAGE, REGION, SECRET_ID, SECRET_KEY, TOKEN, put_secrets
from local.stack import Stack
from local.tencent.double import TencentDouble
from tests.integration.deployments import Version, this_version, version_before
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.integration

STACK = "ses-blocklist-local"
#: So many posts. Later, and the first ones have failed so often that they wait for half a minute.
_PLUGGED_IN_AFTER = 10
#: The emulator refuses alarms that calculate. It also ends a function in the midst of its work when
#: its code is replaced, which Lambda does not, and what that held comes back only after this long.
SETTINGS = ("alarms=off", "visibilitySeconds=20")

#: What the emulator answers for a function that it ended.
ENDED_MIDWAY = 502


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Emulator(region=REGION, enforce_iam=False, own_trigger=True) as aws:
        yield aws


@pytest.fixture
def double() -> Iterator[TencentDouble]:
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        yield double


@dataclass
class Tencent:
    """Posts bounces, and remembers whose were answered with 200."""

    stack: Stack
    reported: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    def post(self, recipient: str) -> None:
        """Report a bounce; once more where the emulator ended the door, see `SETTINGS`."""
        callback = {"event": "bounce", "bounceType": "hard_bounce", "email": recipient}
        for _ in range(2):
            response = requests.post(self.stack.callback_url(TOKEN), json=callback, timeout=30)
            if response.status_code != ENDED_MIDWAY:
                break
        self.statuses.add(response.status_code)
        self.reported.add(recipient)

    def keep_posting(self, *, until: Event, double: TencentDouble) -> None:
        """Post five times a second, and plug *double* in when the deployment is well under way."""
        for number in count():
            if until.wait(0.2):
                break
            self.post(f"during-{number}@example.com")
            if number == _PLUGGED_IN_AFTER:
                double.plug()


def counts(aws: Aws, queue_url: str) -> dict[str, int]:
    """Return how many messages are visible, and how many are in somebody's hands."""
    sqs: SQSClient = aws.client("sqs")
    answer = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return {name: int(number) for name, number in answer["Attributes"].items()}


def stack(aws: Aws) -> Stack:
    return Stack(STACK, outputs(aws.client("cloudformation"), STACK), (), aws.endpoint_url)


def deploy_before(version: Version, *, aws: Aws, double: TencentDouble) -> None:
    """Deploy the older version by what deployed it then, which need not be what does now."""
    version.run(".venv/bin/python", "-m", "infra.package", "--platform", "local", aws=aws)
    put_secrets(aws, json.loads((version.folder / "dist" / "local" / "template.json").read_text()))
    endpoint = f"tencentSesEndpoint={double.url}"
    osls = ("node_modules/.bin/osls", "deploy", "--stage", "local")
    version.run(*osls, *(f"--param={one}" for one in (*SETTINGS, endpoint)), aws=aws)


def test_upgrade_and_rollback_lose_nothing(aws: Aws, double: TencentDouble, tmp_path: Path) -> None:
    """Messages wait, are in flight and come in while template and code are replaced, twice."""
    before = version_before(tmp_path / "before")
    if before is None:
        pytest.skip("git knows of no version before this one")
    deploy_before(before, aws=aws, double=double)
    running = stack(aws)
    queue_url = running.outputs["QueueUrl"]
    tencent = Tencent(running)
    double.unplug()
    for number in range(20):
        tencent.post(f"in-flight-{number}@example.com")
    wait_until(lambda: counts(aws, queue_url)["ApproximateNumberOfMessagesNotVisible"] > 0)
    now = this_version(tmp_path / "now")
    with (now.folder / "functions" / "__init__.py").open("a") as source:
        source.write("# so that there is something to replace, whatever this commit changes\n")
    done = Event()
    poster = Thread(target=tencent.keep_posting, kwargs={"until": done, "double": double})

    poster.start()
    try:
        live = live_deployment(STACK, client=aws.client)
        params = (*SETTINGS, f"tencentSesEndpoint={double.url}", "firstRetrySeconds=2")
        now.run("make", "deploy", "STAGE=local", f"PARAMS={' '.join(params)}", aws=aws)
        upgraded = live_deployment(STACK, client=aws.client)
        now.run("make", "rollback", "STAGE=local", f"TO={live}", aws=aws)
    finally:
        done.set()
        poster.join()
        double.plug()

    tencent.post("after@example.com")
    wait_until(lambda: tencent.reported <= set(double.blocked))
    wait_until(lambda: not any(counts(aws, queue_url).values()))
    assert tencent.statuses == {200}
    assert live != upgraded
    assert live_deployment(STACK, client=aws.client) == live
    assert stack(aws).outputs["QueueUrl"] == queue_url
    assert not any(counts(aws, running.outputs["DeadLetterQueueUrl"]).values())


def test_plain_cloudformation_deploys_without_osls(
    aws: Aws, double: TencentDouble, tmp_path: Path
) -> None:
    """What `make template` writes, by whatever creates a stack: Terraform, another pipeline."""
    compile_templates(["local"], folder=tmp_path, params={"alarms": "off"})
    template = (tmp_path / "local.json").read_text()
    put_secrets(aws, json.loads(template))
    s3: S3Client = aws.client("s3")
    where: Any = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="ours", CreateBucketConfiguration=where)
    s3.upload_file(str(PACKAGE / "functions.zip"), "ours", "functions-1.zip")
    s3.upload_file(str(tmp_path / "local.json"), "ours", "local.json")
    parameters = {
        "CodeBucket": "ours",
        "CodeKey": "functions-1.zip",
        "TencentSesEndpoint": double.url,
    }

    apply_template(
        aws.client("cloudformation"),
        STACK,
        template_url=f"{aws.endpoint_url}/ours/local.json",
        parameters=parameters,
    )

    tencent = Tencent(stack(aws))
    tencent.post("plain@example.com")
    wait_until(lambda: "plain@example.com" in double.blocked)
