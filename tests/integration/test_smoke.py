"""The smoke test that follows a deployment, against the running stack."""

import pytest

from infra.smoke import smoke_test
from local.metrics import Place, publish_metrics
from tests.integration.conftest import Sender

pytestmark = pytest.mark.integration


def test_working_stack_counts_its_smoke_test_and_blocks_nobody(sender: Sender) -> None:
    """The emulator makes no metrics of lines, so that is done between two looks."""
    pipeline, place = sender.pipeline, Place()
    requests = len(sender.double.requests)

    smoke_test(
        pipeline.stack.name,
        client=pipeline.aws.client,
        sleep=lambda _: publish_metrics(pipeline.aws, pipeline.stack.log_groups, place=place),
        address=lambda url: pipeline.stack.callback_url(url.rpartition("/")[2]),
    )

    sender.wait_until_quiet()
    assert "smoke@ses-blocklist.invalid" not in sender.double.blocked
    assert len(sender.double.requests) == requests
