"""infra/ledger.yml: what is known of people is kept, encrypted, and not for ever."""

from typing import Any

import pytest

from functions.blocklist.config import LedgerSettings, read_ledger_settings
from infra.template import compile_template
from tests.infra.compiled import CONSUMER, Template, as_list

LEDGER = "LedgerTable"


@pytest.fixture
def ledger(template: Template) -> dict[str, Any]:
    return template.properties(LEDGER)


def test_ledger_outlives_its_stack(template: Template) -> None:
    """
    With it go the unblocks, and whoever was taken off the list by hand is blocked again.

    A fixed name would then be in the way of the next stack.
    """
    resource = template.resource(LEDGER)

    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert resource["Properties"]["DeletionProtectionEnabled"] is True
    assert "TableName" not in resource["Properties"]


def test_ledger_can_be_put_back_to_any_second(ledger: dict[str, Any]) -> None:
    """A mistake in a policy is found days later, and facts only grow."""
    assert ledger["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_ledger_rests_encrypted(ledger: dict[str, Any]) -> None:
    """It holds addresses. Under a key of the account each use of it leaves a trace."""
    assert ledger["SSESpecification"] == {"SSEEnabled": True}


def test_ledger_forgets(template: Template, ledger: dict[str, Any]) -> None:
    """By the attribute that every write sets; under another name nothing would ever go."""
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert settings(template).retention_days == 400


def test_ledger_takes_any_number_of_writes(ledger: dict[str, Any]) -> None:
    """A campaign brings thousands in a minute, and then nothing for days."""
    assert ledger["BillingMode"] == "PAY_PER_REQUEST"
    assert "ProvisionedThroughput" not in ledger


def test_ledger_has_the_key_that_the_code_uses(ledger: dict[str, Any]) -> None:
    assert ledger["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert ledger["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]


def settings(template: Template) -> LedgerSettings:
    variables = template.environment(CONSUMER)
    assert variables["LEDGER_TABLE"] == {"Ref": LEDGER}
    found = read_ledger_settings({**variables, "LEDGER_TABLE": "table"})
    assert found is not None
    return found


def test_consumer_writes_to_the_ledger(template: Template) -> None:
    assert settings(template).key.parameter == f"/ses-blocklist/{template.stage}/ledger-key"
    assert not settings(template).key.value


def test_stack_tells_where_the_ledger_is(template: Template) -> None:
    """The command line finds it by the stack."""
    outputs = template.body["Outputs"]

    assert outputs["LedgerTable"]["Value"] == {"Ref": LEDGER}
    assert outputs["LedgerKeyParameter"]["Value"] == (f"/ses-blocklist/{template.stage}/ledger-key")


def test_only_the_command_line_reads_or_deletes(template: Template) -> None:
    """What leaks from a function must not list every address, nor erase its traces."""
    actions = {
        action
        for role in ("ReceiveCallbackRole", "BlockRecipientsRole")
        for statement in template.statements(role)
        for action in as_list(statement["Action"])
        if action.startswith("dynamodb:")
    }

    assert actions == {"dynamodb:UpdateItem"}


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Compile a stage that wants no ledger."""
    folder = tmp_path_factory.mktemp("without")
    artifact = folder / "functions.zip"
    artifact.write_text("something")
    compile_template(
        "staging", artifact=artifact, target=folder / "staging.json", params={"ledger": "off"}
    )
    return Template.read(folder, "staging")


def test_stage_may_do_without_a_ledger(without: Template) -> None:
    """Reasons alone decide there: nothing is kept, and nothing may be written."""
    permissions = str(list(without.statements("BlockRecipientsRole")))

    assert not without.of_type("AWS::DynamoDB::Table")
    assert "LedgerTable" not in without.text  # not on the dashboard either
    assert not {name for name in without.body["Outputs"] if name.startswith("Ledger")}
    assert read_ledger_settings(without.environment(CONSUMER)) is None
    assert "sqs:ReceiveMessage" in permissions
    assert "dynamodb" not in permissions
    assert "ledger-key" not in permissions


def test_ledger_changes_nothing_else(without: Template, templates: dict[str, Template]) -> None:
    """What the consumer may do besides is the same with a ledger and without."""
    with_ledger = list(templates["staging"].statements("BlockRecipientsRole"))

    assert list(without.statements("BlockRecipientsRole")) == with_ledger[:-2]
    assert [statement["Sid"] for statement in with_ledger[-2:]] == ["WriteLedger", "ReadLedgerKey"]
