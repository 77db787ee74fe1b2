"""serverless.yml: the two functions, the trigger between queue and consumer, the door's address."""

import re
from typing import Any

import pytest

from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.config import read_block_settings, read_receive_settings
from tests.infra.compiled import CONSUMER, DOOR, QUEUE, TRIGGER, Template

#: https://cloud.tencent.com/document/api/1288/107854
API_LIMIT_PER_SECOND = 20


def test_answer_to_sqs_is_listened_to(template: Template) -> None:
    """Without this setting SQS deletes the whole batch, failures and all."""
    trigger = template.properties(TRIGGER)

    assert trigger["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_large_batches_have_a_window(template: Template) -> None:
    """AWS refuses more than 10 messages without a window; neither osls nor cfn-lint does."""
    trigger = template.properties(TRIGGER)

    assert trigger["BatchSize"] == 10_000
    assert trigger["MaximumBatchingWindowInSeconds"] >= 1


def test_api_limit_holds_while_two_deployments_live(template: Template) -> None:
    """
    Above the limit the API refuses, and everything waits for the next round.

    While one deployment replaces another, each has its own sandboxes.
    """
    sandboxes = 2 * template.properties(TRIGGER)["ScalingConfig"]["MaximumConcurrency"]
    rate = float(template.environment(CONSUMER)["API_REQUESTS_PER_SECOND"])

    assert sandboxes * rate <= API_LIMIT_PER_SECOND


def test_trigger_reads_the_whole_queue(template: Template) -> None:
    """SQS deletes what a filter does not match. What to ignore is the consumer's decision."""
    trigger = template.properties(TRIGGER)

    assert trigger["EventSourceArn"] == {"Fn::GetAtt": [QUEUE, "Arn"]}
    assert trigger["FunctionName"] == {"Fn::GetAtt": [CONSUMER, "Arn"]}
    assert trigger["Enabled"] is True
    assert "FilterCriteria" not in trigger


def test_trigger_waits_for_the_role(template: Template) -> None:
    """Lambda refuses a trigger whose role may not read the queue yet: no deployment."""
    assert "BlockRecipientsRole" in template.resource(TRIGGER)["DependsOn"]


def test_functions_have_no_reserved_concurrency(template: Template) -> None:
    """Fewer than the trigger's own throttle good mail into the dead letters, unlogged."""
    for function in template.of_type("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function


def test_time_and_memory(template: Template) -> None:
    """The consumer's time decides the visibility; the door answers before Tencent gives up."""
    sizes = {
        name: (function["Timeout"], function["MemorySize"])
        for name, function in template.of_type("AWS::Lambda::Function").items()
    }

    consumer_timeout = 10 if template.stage == "local" else 60
    assert sizes == {DOOR: (10, 256), CONSUMER: (consumer_timeout, 1024)}


@pytest.mark.parametrize(
    ("function", "handler"),
    [
        (DOOR, "functions.receive_callback.handler.lambda_handler"),
        (CONSUMER, "functions.block_recipients.handler.lambda_handler"),
    ],
)
def test_function_runs_what_the_zip_holds(template: Template, function: str, handler: str) -> None:
    """Another runtime or machine than the packages were built for fails at every start."""
    properties = template.properties(function)

    assert properties["Handler"] == handler
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]


def test_each_function_gets_what_it_uses(template: Template) -> None:
    """A misspelled name is a setting that silently has its default."""
    assert set(template.environment(DOOR)) == {
        "QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "CALLBACK_TOKENS_PARAMETER",
        "FORWARD_TOPIC_ARN",
    }
    assert set(template.environment(CONSUMER)) == {
        "QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "TENCENT_CREDENTIALS_PARAMETER",
        "TENCENT_SES_ENDPOINT",
        "TENCENT_SES_REGION",
        "MAX_EMAILS_PER_REQUEST",
        "API_REQUESTS_PER_SECOND",
        "EXPECTED_APP_IDS",
        "EXPECTED_FROM_DOMAINS",
        "POLICY_FILE",
        "LEDGER_TABLE",
        "LEDGER_KEY_PARAMETER",
        "LEDGER_RETENTION_DAYS",
        "BRAKE_BLOCKS_PER_HOUR",
        "BRAKE_BLOCKS_PER_MAIL",
        "DRY_RUN",
        "FIRST_RETRY_SECONDS",
    }


def test_code_understands_its_settings(template: Template) -> None:
    """A setting that the code refuses fails every start, and every message's receives run out."""
    local = template.stage == "local"

    door = read_receive_settings(_resolved(template, DOOR))
    consumer = read_block_settings(_resolved(template, CONSUMER))

    secrets = f"/ses-blocklist/{template.stage}"
    assert door.callback_tokens.parameter == f"{secrets}/callback-tokens"
    assert consumer.secret_key.parameter == f"{secrets}/tencent-credentials"
    assert door.forward_topic_arn == ""
    assert door.queues == consumer.queues
    assert (consumer.endpoint, consumer.region) == (
        "https://ses.intl.tencentcloudapi.com",
        "ap-singapore",
    )
    assert consumer.max_emails_per_request == 1000
    assert consumer.api_requests_per_second == 5
    assert load_policy(consumer.policy_file).version.startswith("strict@")
    assert consumer.first_retry_seconds == (1 if local else 30)
    assert consumer.expected_app_ids == consumer.expected_from_domains == frozenset()


def _resolved(template: Template, function: str) -> dict[str, str]:
    """Do what CloudFormation does: a parameter's default, any other reference some name."""
    parameters = template.body["Parameters"]
    return {
        name: parameters.get(value["Ref"], {"Default": f"the {value['Ref']}"})["Default"]
        if isinstance(value, dict)
        else value
        for name, value in template.environment(function).items()
    }


def test_stage_blocks_nobody_until_it_says_so(template: Template) -> None:
    """A stage that was deployed to be looked at must not block real customers."""
    dry_run = "false" if template.stage == "local" else "true"

    assert template.environment(CONSUMER)["DRY_RUN"] == dry_run


def test_template_holds_no_secret(template: Template) -> None:
    """Everybody who may look at the stack reads its template and its functions' environment."""
    names = {
        name
        for function in template.of_type("AWS::Lambda::Function").values()
        for name in function["Environment"]["Variables"]
    }

    assert not names & {
        "CALLBACK_TOKENS",
        "TENCENTCLOUD_SECRET_ID",
        "TENCENTCLOUD_SECRET_KEY",
        "LEDGER_KEY",
    }
    assert not re.search(r"\bAKI[AD]\w{13,}", template.text)  # what their key ids begin with
    assert set(template.body["Parameters"]) == {
        *("TencentSesEndpoint", "CodeBucket", "CodeKey"),
        *("PageEmail", "PageTopicArn", "TicketEmail", "TicketTopicArn"),
        *("Producers", "ForwardTopicArn", "KmsKeyArn", "PermissionsBoundaryArn"),
    }


def test_logs_do_not_stay_for_ever(template: Template) -> None:
    """Without a number CloudWatch keeps them, and bills them, for ever."""
    groups = template.of_type("AWS::Logs::LogGroup").values()

    assert [group["RetentionInDays"] for group in groups] == [30, 30]


def test_door_s_log_holds_our_lines_and_lambda_s_troubles(template: Template) -> None:
    """
    Three lines of Lambda's a call cost more than ours.

    A line of metrics has no level, and counts as INFO: at a higher one no alarm would ever ring.
    """
    assert template.properties(DOOR)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "SystemLogLevel": "WARN",
        "ApplicationLogLevel": "INFO",
    }


def test_stages_differ_in_their_names_only(templates: dict[str, Template]) -> None:
    """What was tried on staging is what runs in production."""
    dev, staging, production = (
        _without_names(templates[stage]) for stage in ("dev", "staging", "production")
    )

    assert dev == staging == production


def _without_names(template: Template) -> dict[str, Any]:
    """Leave out too that production needs somebody who hears its alarms."""
    body = Template(
        template.stage, re.sub(rf"(ses-blocklist[-/]){template.stage}\b", r"\1STAGE", template.text)
    ).body
    body.pop("Rules", None)
    return body
