"""infra/plain.py: CloudFormation that needs neither osls nor its bucket."""

from typing import Any

import pytest

from infra.plain import plain
from tests.infra.compiled import CONSUMER, DOOR, STAGES, Template


def test_nothing_of_osls_is_left(template: Template) -> None:
    """A bucket that nobody fills, and that keeps a stack from being removed."""
    assert "ServerlessDeployment" not in template.text


@pytest.mark.parametrize("function", [DOOR, CONSUMER])
def test_code_comes_from_where_the_deployer_put_it(template: Template, function: str) -> None:
    code = template.properties(function)["Code"]

    assert code == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
    assert not [
        name for name in ("CodeBucket", "CodeKey") if "Default" in template.body["Parameters"][name]
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_made_up_hears_the_alarms(templates: dict[str, Template], stage: str) -> None:
    parameters = templates[stage].body["Parameters"]

    for name in ("PageEmail", "PageTopicArn", "TicketEmail", "TicketTopicArn"):
        assert parameters[name]["Default"] == ""


def test_production_is_not_deployed_while_nobody_would_hear_of_it(
    templates: dict[str, Template],
) -> None:
    """What `make deploy` refuses before, CloudFormation refuses here."""
    rules = templates["production"].body["Rules"]

    asserted = {name: rule["Assertions"][0]["Assert"] for name, rule in rules.items()}
    assert asserted == {
        "SomebodyGetsPages": _one_of("PageEmail", "PageTopicArn"),
        "SomebodyGetsTickets": _one_of("TicketEmail", "TicketTopicArn"),
    }
    assert "Rules" not in templates["dev"].body


def _one_of(*names: str) -> dict[str, Any]:
    return {"Fn::Or": [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in names]}


def test_everything_else_stays_as_it_was() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "events"}}
    compiled = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Conditions": {"Always": {"Fn::Equals": ["1", "1"]}},
        "Resources": {"Queue": queue, "ServerlessDeploymentBucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
    }

    made = plain(compiled, watched=False)

    assert made["Resources"] == {"Queue": queue}
    assert made["Outputs"] == compiled["Outputs"]
    assert made["Conditions"] == compiled["Conditions"]
