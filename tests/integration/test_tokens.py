"""A whole rotation of the token, at the door of a running stack: nothing lost, the old shut out."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local.pipeline import PREVIOUS_TOKEN, TOKEN
from local.poller import Poller
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
