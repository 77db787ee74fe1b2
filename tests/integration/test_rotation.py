"""Whole rotations of the token and of Tencent's key, on a running stack: nothing is lost."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local.pipeline import PREVIOUS_TOKEN, SECRET_ID, SECRET_KEY, TOKEN
from local.poller import Poller
from tests.integration.conftest import Sender
from tests.integration.site import Door, Site
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

pytestmark = pytest.mark.integration

NEW_TOKEN = "new-local-token-not-a-secret"


class Rotation:
    """An operator, who writes the list of tokens, and Tencent, which posts with one of them."""

    def __init__(self, site: Site, door: Door, bounce: Callable[..., dict[str, object]]) -> None:
        self._site, self._door, self._bounce = site, door, bounce
        self.kept: set[str] = set()

    @property
    def mapping_uuid(self) -> str:
        """The trigger that takes what was kept."""
        return self._door.stack.outputs["EventSourceMapping"]

    def accept(self, *tokens: str) -> None:
        """Leave the door these tokens."""
        ssm: SSMClient = self._site.pipeline.aws.client("ssm")
        name = self._door.stack.outputs["CallbackTokensParameter"]
        ssm.put_parameter(Name=name, Value=",".join(tokens), Type="SecureString", Overwrite=True)

    def five_minutes_pass(self) -> None:
        """Let the door read its list again."""
        self._site.begin_anew(self._door, "ReceiveCallbackFunction")

    def post(self, recipient: str, *, token: str) -> int:
        """Report a bounce; remember whose was kept."""
        address = f"{recipient}@rotation.example.com"
        body = json.dumps(self._bounce(address)).encode()
        status = self._door.request(f"/callbacks/{token}", body).status_code
        if status == 200:
            self.kept.add(address)
        return status


def test_rotation_loses_nothing_and_ends_with_the_old_token_shut_out(
    site: Site, bounce: Callable[..., dict[str, object]]
) -> None:
    """While the console is being changed both open; whoever learnt the old one has it in vain."""
    rotation = Rotation(site, site.deploy("url"), bounce)
    rotation.five_minutes_pass()

    before = [rotation.post("before", token=TOKEN), rotation.post("a", token=PREVIOUS_TOKEN)]
    rotation.accept(NEW_TOKEN, TOKEN)
    between = [rotation.post("new", token=NEW_TOKEN), rotation.post("old", token=TOKEN)]
    rotation.accept(NEW_TOKEN)
    rotation.five_minutes_pass()
    after = [rotation.post("after", token=NEW_TOKEN), rotation.post("late", token=TOKEN)]

    assert (before, between, after) == ([200, 200], [200, 200], [200, 404])
    assert len(rotation.kept) == 5
    with Poller(site.pipeline.aws, rotation.mapping_uuid):
        wait_until(lambda: rotation.kept <= set(site.pipeline.double.blocked))
    assert "late@rotation.example.com" not in site.pipeline.double.blocked


def test_key_of_tencent_is_replaced_while_functions_run(
    sender: Sender, bounce: Callable[..., dict[str, object]]
) -> None:
    """Disabled before they begin anew: what the old key could not do comes back for the new one."""
    pipeline, double = sender.pipeline, sender.double
    ssm: SSMClient = pipeline.aws.client("ssm")
    name = pipeline.stack.outputs["TencentCredentialsParameter"]
    sender.post(bounce("key-before@rotation.example.com"))
    sender.wait_until_blocked("key-before@rotation.example.com")
    dead_letters, requests = len(sender.dead_letters()), len(double.requests)

    for recipient, key in (("key-after", "another-secret-key"), ("key-back", SECRET_KEY)):
        value = json.dumps({"secret_id": SECRET_ID, "secret_key": key})
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        double.secret_key = key
        sender.post(bounce(f"{recipient}@rotation.example.com"))
        sender.wait_until_blocked(f"{recipient}@rotation.example.com")

    outcomes = [request.outcome for request in double.requests[requests:]]
    assert set(outcomes) == {"AuthFailure.SignatureFailure", "ok"}
    assert outcomes.count("ok") == 2
    assert len(sender.dead_letters()) == dead_letters
