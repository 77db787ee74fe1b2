"""`callback-url` and `drop-token`: the door's address, and a rotation's end that loses nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from cli import bootstrap
from cli.adapters import stacks
from local.aws import Aws
from local.pipeline import TOKEN
from tests.cli.running import OWN_KEY, Account, Parameters, run

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ssm import SSMClient

pytestmark = pytest.mark.integration

BOTH = "current-token-0123456789,previous-token-0123456789"


def test_callback_address_is_the_one_that_the_door_answers(account: Account) -> None:
    ran = run("callback-url", "--stage", "local")

    assert ran.out == account.stack.callback_url(TOKEN) + "\n"
    session = requests.Session()
    session.trust_env = False
    assert session.get(ran.out.strip(), timeout=30).status_code == 200
    assert run("callback-url", "--stage", "local", "--json").json == {
        "callback_url": ran.out.strip()
    }


def test_old_token_is_dropped_and_the_current_one_stays(account: Account) -> None:
    """The last step of a rotation, in the parameter that the stage reads."""
    parameters, name = Parameters(account.aws), account.stack.outputs["CallbackTokensParameter"]
    parameters.put(name, BOTH)

    ran = run("drop-token", "--stage", "local", answer="y\n")

    assert parameters[name] == "current-token-0123456789"
    assert parameters.kind(name) == "SecureString"
    assert ran.out.splitlines()[-1] == (
        f"{name}: the token from before is gone. In five minutes it opens nothing."
    )
    assert "callbacks" not in ran.err
    assert "token-0123456789" not in ran.shown


@pytest.mark.parametrize(("more", "answer"), [((), "n\n"), ((), ""), (("--dry-run", "--yes"), "")])
def test_old_token_is_not_dropped_unasked(
    account: Account, more: tuple[str, ...], answer: str
) -> None:
    parameters, name = Parameters(account.aws), account.stack.outputs["CallbackTokensParameter"]
    parameters.put(name, BOTH)

    run("drop-token", "--stage", "local", *more, answer=answer)

    assert parameters[name] == BOTH


def test_without_an_old_token_nothing_is_dropped(account: Account) -> None:
    """Else whoever types it twice would lose the one in use."""
    parameters, name = Parameters(account.aws), account.stack.outputs["CallbackTokensParameter"]
    parameters.put(name, "current-token-0123456789")

    ran = run("drop-token", "--stage", "local", "--yes")

    assert parameters[name] == "current-token-0123456789"
    assert ran.out == f"{name} holds no token from before: kept as it is.\n"


def test_callbacks_that_still_come_with_the_old_token_are_told_before(account: Account) -> None:
    """One sender's address was forgotten in the console: its bounces would be lost."""
    Parameters(account.aws).put(account.stack.outputs["CallbackTokensParameter"], BOTH)
    cloudwatch: CloudWatchClient = account.aws.client("cloudwatch")
    for hours_ago, number in ((2, 3), (23, 4), (30, 50)):
        cloudwatch.put_metric_data(
            Namespace="SesBlocklist",
            MetricData=[
                {
                    "MetricName": "PreviousToken",
                    "Dimensions": [{"Name": "service", "Value": "receive_callback"}],
                    "Timestamp": datetime.now(tz=UTC) - timedelta(hours=hours_ago),
                    "Value": number,
                }
            ],
        )

    ran = run("drop-token", "--stage", "local", answer="n\n")

    assert ran.err.startswith("7 of the last 24 hours' callbacks, of all stages, came with a token")
    assert ran.code == 1


def test_token_is_dropped_under_the_key_that_the_stage_has(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = replace(stacks.read_stack(bootstrap.aws(), "local"), kms_key_arn=OWN_KEY)
    monkeypatch.setattr(stacks, "read_stack", lambda *_: deployed)
    parameters, name = Parameters(account.aws), account.stack.outputs["CallbackTokensParameter"]
    parameters.put(name, BOTH)

    run("drop-token", "--stage", "local", "--yes")

    assert parameters.encrypted_with(name) == OWN_KEY


def test_stage_without_a_usable_token_says_so(account: Account) -> None:
    ssm: SSMClient = account.aws.client("ssm")
    name = account.stack.outputs["CallbackTokensParameter"]
    ssm.put_parameter(Name=name, Value="short", Type="SecureString", Overwrite=True)

    ran = run("callback-url", "--stage", "local")

    assert "every callback is answered 503" in ran.err
    assert "short" not in ran.err.replace("shorter", "")
    assert ran.code == 4


def test_stage_that_is_not_deployed_is_named(aws: Aws) -> None:
    del aws

    ran = run("callback-url", "--stage", "nowhere")

    assert ran.err.splitlines() == [
        "There is no stack ses-blocklist-nowhere in ap-southeast-1.",
        "Is the region right, and the account? To deploy it: make deploy STAGE=nowhere",
    ]
    assert ran.code == 4
