"""`init`: secrets are made, tried and stored, and never lost or shown."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cli import bootstrap
from cli.adapters import stacks
from local import pipeline
from local.aws import Aws
from local.tencent import TencentDouble, faults
from tests.cli.running import OWN_KEY, SECRET_ID, SECRET_KEY, Account, Parameters, Ran, run

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

pytestmark = pytest.mark.integration

TOKENS = "/ses-blocklist/new/callback-tokens"
KEY = "/ses-blocklist/new/tencent-credentials"
LEDGER_KEY = "/ses-blocklist/new/ledger-key"

AWS_KEY = "alias/aws/ssm"


@pytest.fixture
def parameters(aws: Aws) -> Parameters:
    return Parameters(aws, without=(TOKENS, KEY, LEDGER_KEY))


@pytest.fixture
def keyed(aws: Aws) -> Iterator[str]:
    """Give the key of KMS of a stage `new` that is deployed with one."""
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="ses-blocklist-new",
        TemplateBody=json.dumps(
            {
                "Parameters": {"KmsKeyArn": {"Type": "String", "Default": OWN_KEY}},
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            }
        ),
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="ses-blocklist-new", WaiterConfig={"Delay": 1}
    )
    yield OWN_KEY
    cloudformation.delete_stack(StackName="ses-blocklist-new")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="ses-blocklist-new", WaiterConfig={"Delay": 1}
    )


def init(*more: str, answer: str = "") -> Ran:
    return run("init", "new", *more, answer=answer)


def test_both_secrets_are_stored_encrypted(parameters: Parameters, double: TencentDouble) -> None:
    ran = init()

    assert json.loads(parameters[KEY]) == {"secret_id": SECRET_ID, "secret_key": SECRET_KEY}
    assert len(parameters[TOKENS]) == 64
    assert {parameters.kind(KEY), parameters.kind(TOKENS)} == {"SecureString"}
    assert ran.code == 0
    assert double.blocked == {}


def test_what_was_stored_is_said_without_the_secrets(
    parameters: Parameters, double: TencentDouble
) -> None:
    del double

    ran = init()

    assert ran.out.splitlines() == [
        "Tencent accepts the key, and it may CreateCustomBlacklist.",
        "/ses-blocklist/new/tencent-credentials: the key is stored.",
        "/ses-blocklist/new/callback-tokens: a new token is stored.",
        "/ses-blocklist/new/ledger-key: a new key for the ledger is stored. It must never change.",
        "",
        "Next: make deploy STAGE=new",
        "Then: ses-blocklist callback-url --stage new",
    ]
    for name in (TOKENS, LEDGER_KEY):
        assert parameters[name] not in ran.out + ran.err


def test_secrets_are_encrypted_with_the_key_that_the_stage_will_have(
    parameters: Parameters, double: TencentDouble
) -> None:
    """Before its first deployment nobody but the operator knows which that is."""
    del double

    ran = init("--kms-key", OWN_KEY)

    assert {parameters.encrypted_with(name) for name in (TOKENS, KEY, LEDGER_KEY)} == {OWN_KEY}
    assert ran.out.splitlines()[0] == f"Encrypted with {OWN_KEY}."


def test_secrets_are_encrypted_with_aws_own_key_where_the_stage_has_none(
    parameters: Parameters, double: TencentDouble
) -> None:
    del double

    init()

    assert {parameters.encrypted_with(name) for name in (TOKENS, KEY, LEDGER_KEY)} == {AWS_KEY}


def test_rotation_keeps_the_key_that_the_stage_has(
    parameters: Parameters, double: TencentDouble, keyed: str
) -> None:
    """SSM takes its own key for what is overwritten without one, and nothing says so."""
    del double
    init()

    init("--new-token", "--new-key", "--yes")

    assert {parameters.encrypted_with(name) for name in (TOKENS, KEY, LEDGER_KEY)} == {keyed}


@pytest.mark.parametrize("stack", ["keyed", "account"])
def test_key_that_the_functions_may_not_use_encrypts_nothing(
    parameters: Parameters, request: pytest.FixtureRequest, stack: str
) -> None:
    """They could not read their secrets any more: every callback would be answered 503."""
    request.getfixturevalue(stack)
    stage = {"keyed": "new", "account": "local"}[stack]
    other = OWN_KEY.replace("0000-", "9999-")

    ran = run("init", stage, "--new-token", "--kms-key", other, "--yes")

    assert f"its functions could not read what {other} encrypts." in ran.err
    assert f"Deploy it with kmsKeyArn={other} first." in ran.err
    assert ran.code == 4
    assert TOKENS not in parameters


@pytest.mark.parametrize("wrong", ["alias/ours", OWN_KEY.replace(":key/", ":alias/"), "1111-2222"])
def test_key_of_kms_is_named_as_the_stage_names_it(parameters: Parameters, wrong: str) -> None:
    """What the template would refuse later is refused before anything is stored."""
    ran = init("--kms-key", wrong)

    assert "it is the ARN of a key" in ran.err
    assert ran.code == 2
    assert TOKENS not in parameters


def test_key_is_asked_for_where_the_environment_has_none(
    parameters: Parameters, double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    del double
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")

    ran = init(answer=f" {SECRET_ID}\n{SECRET_KEY} \n")

    assert json.loads(parameters[KEY]) == {"secret_id": SECRET_ID, "secret_key": SECRET_KEY}
    assert SECRET_KEY not in ran.out + ran.err


@pytest.mark.parametrize("yes", [(), ("--yes",)])
def test_what_is_there_is_kept(
    parameters: Parameters, double: TencentDouble, yes: tuple[str, ...]
) -> None:
    """A token that is lost loses every callback until somebody looks."""
    del double
    init()
    token, key = parameters[TOKENS], parameters[KEY]

    ran = init(*yes)

    assert (parameters[TOKENS], parameters[KEY]) == (token, key)
    assert "tencent-credentials is there already: kept. To change it, add --new-key." in ran.out
    assert "callback-tokens is there already: kept. To change it, add --new-token." in ran.out
    assert ran.code == 0


def test_new_token_stands_before_the_one_in_use(
    parameters: Parameters, double: TencentDouble
) -> None:
    """Tencent goes on with the old address until somebody changes it in the console."""
    del double
    parameters.put(TOKENS, "current-token-0123456789,previous-token-0123456789")

    init("--new-token", "--yes")

    new, old = parameters[TOKENS].split(",")
    assert (len(new), old) == (64, "current-token-0123456789")


def test_token_that_goes_is_named_before_it_does(
    parameters: Parameters, double: TencentDouble
) -> None:
    """A second rotation before the console was changed would lose every callback."""
    del double
    parameters.put(KEY, "some key")
    parameters.put(TOKENS, "current-token-0123456789,previous-token-0123456789")

    ran = init("--new-token", answer="n\n")

    assert f"{TOKENS} holds the token before the one in use as well: that one goes" in ran.err
    assert parameters[TOKENS] == "current-token-0123456789,previous-token-0123456789"


@pytest.mark.usefixtures("parameters", "double")
def test_after_a_rotation_the_next_step_is_not_a_deployment() -> None:
    """The new token opens by itself, and the new key is read when functions begin anew."""
    init()

    ran = init("--new-token", "--new-key", "--yes")

    assert "make deploy" not in ran.out
    assert "Tencent's console" in ran.out
    assert "callback-url --stage new" in ran.out
    assert "functions that run keep the old key" in ran.out


def test_key_of_a_deployed_stage_is_tried_where_the_stage_uses_it(
    account: Account, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of Tencent's China site is refused everywhere else."""
    del account
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", pipeline.SECRET_ID)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", pipeline.SECRET_KEY)

    ran = run("init", "local", "--new-key", "--yes")

    assert "Tencent accepts the key" in ran.out
    assert len(stages_double.requests) == 1


def test_secrets_of_a_deployed_stage_are_put_where_the_stage_reads_them(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new token that nothing reads would be entered in Tencent's console all the same."""
    deployed = stacks.read_stack(bootstrap.aws(), "local")
    elsewhere = {**deployed.outputs, "CallbackTokensParameter": TOKENS}
    monkeypatch.setattr(stacks, "read_stack", lambda *_: replace(deployed, outputs=elsewhere))
    Parameters(account.aws).put(TOKENS, "current-token-0123456789")

    ran = run("init", "local", "--new-token", "--yes")

    assert f"{TOKENS}: a new token is stored." in ran.out


def test_new_key_leaves_the_token_alone(parameters: Parameters, double: TencentDouble) -> None:
    del double
    parameters.put(TOKENS, "current-token-0123456789")
    parameters.put(KEY, "old key")

    init("--new-key", "--yes")

    assert parameters[TOKENS] == "current-token-0123456789"
    assert json.loads(parameters[KEY])["secret_id"] == SECRET_ID


def test_key_of_the_ledger_is_made_once(parameters: Parameters, double: TencentDouble) -> None:
    """Under another key the ledger would know nobody any more."""
    del double
    init()
    made = parameters[LEDGER_KEY]

    ran = init("--new-key", "--new-token", "--yes")

    assert len(made) == 64
    assert parameters[LEDGER_KEY] == made
    assert f"{LEDGER_KEY} is there already: kept, as it must never change." in ran.out


@pytest.mark.parametrize("what", ["--new-key", "--new-token"])
def test_nothing_is_replaced_unasked(
    parameters: Parameters, double: TencentDouble, what: str
) -> None:
    del double
    parameters.put(TOKENS, "current-token-0123456789")
    parameters.put(KEY, "old key")

    ran = init(what, answer="n\n")

    assert (parameters[TOKENS], parameters[KEY]) == ("current-token-0123456789", "old key")
    assert "Nothing was changed." in ran.err
    assert ran.code == 1


def test_unusable_tokens_are_not_kept_behind_the_new_one(
    parameters: Parameters, double: TencentDouble
) -> None:
    del double
    parameters.put(TOKENS, "short")

    init("--new-token", "--yes")

    assert len(parameters[TOKENS]) == 64


@pytest.mark.parametrize("code", ["AuthFailure.SecretIdNotFound", "UnauthorizedOperation"])
def test_key_that_tencent_refuses_is_not_stored(
    parameters: Parameters, double: TencentDouble, code: str
) -> None:
    double.misbehave(faults.error(code), times=math.inf)

    ran = init()

    assert KEY not in parameters
    assert TOKENS not in parameters
    assert "Nothing was stored." in ran.err
    assert ran.code == 4


def test_key_is_stored_untried_where_tencent_cannot_be_reached(
    parameters: Parameters, double: TencentDouble
) -> None:
    """The functions may reach Tencent where this machine does not."""
    double.unplug()

    ran = init()

    assert KEY in parameters
    assert "stored without having been tried" in ran.err
    assert ran.code == 0


def test_stopped_init_goes_on_where_it_was(parameters: Parameters, double: TencentDouble) -> None:
    del double
    parameters.put(KEY, "stored before it was stopped")

    init()

    assert parameters[KEY] == "stored before it was stopped"
    assert len(parameters[TOKENS]) == 64


def test_dry_run_of_init_stores_nothing(aws: Aws) -> None:
    ran = run("init", "dry", "--dry-run")

    assert ran.out.splitlines() == [
        "/ses-blocklist/dry/tencent-credentials would be stored.",
        "/ses-blocklist/dry/callback-tokens would be stored.",
        "/ses-blocklist/dry/ledger-key would be stored.",
    ]
    assert run("init", "dry", "--dry-run").out == ran.out
    del aws


def test_init_with_nobody_to_ask_says_where_the_key_can_come_from(aws: Aws) -> None:
    """A script has no keyboard."""
    del aws

    ran = run("init", "nobody")

    assert "nobody to ask. Nothing was stored." in ran.err
    assert "TENCENTCLOUD_SECRET_ID" in ran.err
    assert ran.code == 4
