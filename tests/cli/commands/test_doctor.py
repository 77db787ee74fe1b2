"""`doctor` finds what is broken, says how it is mended, and hides nothing behind it."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cli import bootstrap
from cli.bootstrap import ledgers
from cli.commands.doctor import RESERVED
from local.tencent import TencentDouble, faults
from tests.cli.running import Account, Ran, run

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ssm import SSMClient

pytestmark = pytest.mark.integration


@pytest.fixture
def healthy(account: Account, stages_double: TencentDouble) -> Iterator[Account]:
    """Give a stage that blocks, with a callback just now."""
    cloudwatch: CloudWatchClient = account.aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="SesBlocklist",
        MetricData=[
            {
                "MetricName": "Events",
                "Dimensions": [{"Name": "service", "Value": "receive_callback"}],
                "Timestamp": datetime.now(tz=UTC) - timedelta(minutes=1),
                "Value": 1,
            }
        ],
    )
    run("resume", "--stage", "local")
    run("adopt", "--stage", "local")
    assert stages_double.blocked == {}
    yield account
    account.sqs.set_queue_attributes(QueueUrl=account.queue, Attributes={"VisibilityTimeout": "62"})


def doctor(*more: str) -> Ran:
    return run("doctor", "--stage", "local", *more)


def findings(ran: Ran, name: str) -> list[dict[str, Any]]:
    return [finding for finding in ran.json if finding["name"] == name]


def test_healthy_stage_has_nothing_to_mend(healthy: Account) -> None:
    del healthy

    ran = doctor()

    assert [line for line in ran.out.splitlines() if not line.startswith("ok ")] == []
    assert ran.err == ""
    assert ran.code == 0


def test_everything_is_looked_at(healthy: Account) -> None:
    del healthy

    names = [finding["name"] for finding in doctor("--json").json]

    assert list(dict.fromkeys(names)) == [
        "AWS credentials",
        "clock",
        "stack",
        "Tencent's key of the stage",
        "visibility",
        "dead-letter queue",
        "retention",
        "partial failures",
        "requests a second",
        "policy",
        "configuration errors",
        "blocking",
        "callback address",
        "callbacks",
        "dead letters",
        "ledger",
    ]


def test_key_of_the_stage_that_tencent_refuses_is_a_fault(
    healthy: Account, stages_double: TencentDouble
) -> None:
    del healthy
    stages_double.secret_key = "another"

    ran = doctor("--json")

    finding = findings(ran, "Tencent's key of the stage")[0]
    assert finding["state"] == "fault"
    assert "Tencent does not know the key" in finding["told"]
    assert ran.code == 1


def test_key_that_may_only_block_is_enough_for_the_pipeline(
    healthy: Account, stages_double: TencentDouble
) -> None:
    """That is the key which the documents ask for."""
    del healthy
    for action in ("ListBlackEmailAddress", "ListCustomBlacklist"):
        stages_double.misbehave(
            faults.error("UnauthorizedOperation"), action=action, times=math.inf
        )

    ran = doctor("--json")

    may_block, *read = findings(ran, "Tencent's key of the stage")
    assert may_block["state"] == "ok"
    assert [finding["state"] for finding in read] == ["warning", "warning"]
    assert all(finding["mend"].startswith("It should not be.") for finding in read)
    assert ran.code == 0


def test_key_of_your_own_is_told_from_that_of_the_stage(
    healthy: Account, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads which key may too little goes and mends that one."""
    del healthy
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", stages_double.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", stages_double.secret_key)
    stages_double.misbehave(
        faults.error("UnauthorizedOperation"), action="ListBlackEmailAddress", times=math.inf
    )

    ran = doctor("--json")

    bounced, blocked = findings(ran, "your own Tencent key")
    assert (bounced["state"], blocked["state"]) == ("warning", "ok")
    assert "Allow ses:ListBlackEmailAddress to the key's user" in bounced["mend"]
    assert blocked["told"] == "may read, for doctor --live"


def test_unreadable_secret_is_a_fault_and_hides_nothing(healthy: Account) -> None:
    ssm: SSMClient = healthy.aws.client("ssm")
    for output in ("TencentCredentialsParameter", "CallbackTokensParameter"):
        ssm.put_parameter(
            Name=healthy.stack.outputs[output], Value="x", Type="SecureString", Overwrite=True
        )

    ran = doctor("--json")

    assert findings(ran, "Tencent's key of the stage")[0]["state"] == "fault"
    assert "ses-blocklist init local --new-token" in findings(ran, "callback address")[0]["mend"]
    assert findings(ran, "dead letters")[0]["state"] == "ok"
    assert "2 to mend." not in ran.out
    assert ran.code == 1


def test_missing_key_of_the_ledger_is_a_fault(healthy: Account) -> None:
    """Without it every message comes back, and somebody is woken to ask the doctor."""
    ssm: SSMClient = healthy.aws.client("ssm")
    ssm.delete_parameter(Name=healthy.stack.outputs["LedgerKeyParameter"])

    [finding] = findings(doctor("--json"), "ledger")

    assert finding["state"] == "fault"
    assert "key cannot be read (ssm:ParameterNotFound)" in finding["told"]
    assert "ses-blocklist init STAGE" in finding["mend"]


def test_paused_stage_is_a_fault(healthy: Account) -> None:
    del healthy
    run("pause", "--stage", "local")

    ran = doctor()

    assert "fault    blocking: paused: nobody is blocked" in ran.out
    assert "         ses-blocklist resume --stage local" in ran.out
    assert "1 to mend." in ran.err


def test_setting_that_was_changed_by_hand_is_found(healthy: Account) -> None:
    healthy.sqs.set_queue_attributes(QueueUrl=healthy.queue, Attributes={"VisibilityTimeout": "5"})

    ran = doctor("--json")

    [finding] = findings(ran, "visibility")
    assert (finding["state"], "= 62 s" in finding["told"]) == ("fault", True)
    assert "make deploy" not in finding["mend"]
    assert "detect-stack-drift --stack-name ses-blocklist-local" in finding["mend"]


def test_policy_that_cannot_be_read_is_a_fault(
    healthy: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the consumer decides about nobody, and everything waits."""
    del healthy
    monkeypatch.setattr(ledgers, "policy_file", lambda _: "mine.toml")

    [finding] = findings(doctor("--json"), "policy")

    assert finding["state"] == "fault"
    assert "there is no policy 'mine.toml'" in finding["told"]
    assert "the functions cannot read it either" in finding["mend"]
    assert "detect-stack-drift --stack-name ses-blocklist-local" in finding["mend"]


def test_what_only_the_consumer_meets_is_told(healthy: Account) -> None:
    """A policy in code that was changed by hand: here it can be read, there nobody is blocked."""
    cloudwatch: CloudWatchClient = healthy.aws.client("cloudwatch")
    for minutes_ago, number in ((3, 1), (25, 2), (50, 100)):
        cloudwatch.put_metric_data(
            Namespace="SesBlocklist",
            MetricData=[
                {
                    "MetricName": "ConfigurationErrors",
                    "Dimensions": [{"Name": "service", "Value": "block_recipients"}],
                    "Timestamp": datetime.now(tz=UTC) - timedelta(minutes=minutes_ago),
                    "Value": number,
                }
            ],
        )

    [finding] = findings(doctor("--json"), "configuration errors")

    assert finding["state"] == "warning"
    assert finding["told"].startswith("3 in the last half hour")
    assert "docs/operations.md, Nothing works until a setting is mended" in finding["mend"]


def test_address_that_does_not_answer_is_a_fault_and_stays_secret(
    healthy: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    del healthy
    monkeypatch.setattr(
        bootstrap, "callback_url", lambda _: "http://127.0.0.1:9/callbacks/secret-token"
    )

    ran = doctor("--json")

    [finding] = findings(ran, "callback address")
    assert finding["told"] == "does not answer from here (ConnectionError)"
    assert "secret-token" not in ran.out + ran.err


def test_dead_letters_are_told(healthy: Account) -> None:
    healthy.put(healthy.dead_letter_queue, "{}")

    ran = doctor("--json")

    [finding] = findings(ran, "dead letters")
    assert finding["mend"] == "ses-blocklist dead-letters list --stage local"
    assert ran.code == 0


def test_live_leaves_nobody_on_the_list(healthy: Account, stages_double: TencentDouble) -> None:
    del healthy

    ran = doctor("--live", "--json")

    assert [finding["told"] for finding in findings(ran, "live")] == [
        f"{RESERVED} was put on the list",
        "it is found there",
        "it was taken off again",
    ]
    assert stages_double.blocked == {}
    created = [r for r in stages_double.requests if r.emails == (RESERVED,)]
    assert [request.action for request in created] == [
        "CreateCustomBlacklist",
        "DeleteCustomBlackList",
    ]
    assert created[0].expire_date is not None


def test_live_takes_off_what_it_could_not_find(
    healthy: Account, stages_double: TencentDouble
) -> None:
    del healthy
    stages_double.misbehave(
        faults.error("UnauthorizedOperation"), action="ListCustomBlacklist", times=math.inf
    )

    ran = doctor("--live", "--json")

    assert findings(ran, "live")[0]["state"] == "fault"
    assert stages_double.blocked == {}


def test_without_live_nothing_changes(healthy: Account, stages_double: TencentDouble) -> None:
    del healthy

    doctor()

    assert not any(request.emails for request in stages_double.requests)


def test_stage_that_is_not_there_ends_the_examination(account: Account) -> None:
    del account

    ran = run("doctor", "--stage", "nowhere", "--json")

    assert [finding["state"] for finding in ran.json] == ["ok", "ok", "fault"]
    assert "make deploy STAGE=nowhere" in ran.json[-1]["mend"]
    assert ran.code == 1


def test_no_secret_is_ever_told(healthy: Account) -> None:
    ssm: SSMClient = healthy.aws.client("ssm")
    stored = ssm.get_parameter(
        Name=healthy.stack.outputs["TencentCredentialsParameter"], WithDecryption=True
    )["Parameter"]["Value"]

    ran = doctor("--live")

    for secret in json.loads(stored).values():
        assert secret not in ran.out + ran.err
