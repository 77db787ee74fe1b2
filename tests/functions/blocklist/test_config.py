"""Settings from the environment, and the sentence that each mistake gets."""

import re
from typing import Any

import pytest

from functions.blocklist.config import (
    Environment,
    LedgerSettings,
    QueueSettings,
    ReceiveSettings,
    Secret,
    read_block_settings,
    read_receive_settings,
)

QUEUES = {
    "QUEUE_URL": "https://sqs.example/1/events",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example/1/dead-letters",
}
DOOR = QUEUES | {"CALLBACK_TOKENS_PARAMETER": "/stage/callback-tokens"}
CONSUMER = QUEUES | {"TENCENT_CREDENTIALS_PARAMETER": "/stage/credentials"}


def without(environment: Environment, name: str) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key != name}


def test_door_needs_its_queues_and_its_tokens() -> None:
    assert read_receive_settings(DOOR) == ReceiveSettings(
        queues=QueueSettings(
            queue_url="https://sqs.example/1/events",
            dead_letter_queue_url="https://sqs.example/1/dead-letters",
        ),
        callback_tokens=Secret(parameter="/stage/callback-tokens"),
        forward_topic_arn="",
    )


def test_topic_is_a_standard_one() -> None:
    """A FIFO topic would want a group with each message."""
    arn = "arn:aws-cn:sns:cn-north-1:000000000000:callbacks"

    assert read_receive_settings(DOOR | {"FORWARD_TOPIC_ARN": arn}).forward_topic_arn == arn
    for wrong in (f"{arn}.fifo", "callbacks", "arn:aws:sqs:eu-west-1:000000000000:callbacks"):
        with pytest.raises(ValueError, match="must be the ARN of a standard SNS topic"):
            read_receive_settings(DOOR | {"FORWARD_TOPIC_ARN": wrong})


def test_consumer_has_the_defaults_of_the_contract() -> None:
    settings = read_block_settings(CONSUMER)

    assert settings.secret_key == Secret(parameter="/stage/credentials")
    assert settings.secret_id == ""
    assert settings.endpoint == "https://ses.intl.tencentcloudapi.com"
    assert settings.region == "ap-singapore"
    assert settings.max_emails_per_request == 1000
    assert settings.api_requests_per_second == 5
    assert settings.first_retry_seconds == 30
    assert settings.expected_app_ids == frozenset()
    assert settings.expected_from_domains == frozenset()
    assert settings.dry_run is False


def test_ledger_and_its_brake_have_the_defaults_of_the_contract() -> None:
    settings = read_block_settings(
        CONSUMER | {"LEDGER_TABLE": "ledger", "LEDGER_KEY_PARAMETER": "/stage/ledger-key"}
    )

    assert settings.ledger == LedgerSettings(
        table="ledger",
        key=Secret(parameter="/stage/ledger-key"),
        retention_days=400,
        blocks_per_hour=500,
        blocks_per_mail=200,
    )


def test_without_a_table_there_is_no_ledger() -> None:
    """Its key may stand in the environment all the same: the template always names it."""
    assert read_block_settings(CONSUMER | {"LEDGER_KEY_PARAMETER": "/key"}).ledger is None


def test_ledger_without_a_key_fails_at_start() -> None:
    with pytest.raises(ValueError, match="LEDGER_KEY_PARAMETER"):
        read_block_settings(CONSUMER | {"LEDGER_TABLE": "ledger"})


@pytest.mark.parametrize(
    ("name", "text", "least"),
    [
        ("LEDGER_RETENTION_DAYS", "59", "60"),  # strikes and terms must outlive their windows
        ("BRAKE_BLOCKS_PER_HOUR", "0", "1"),
        ("BRAKE_BLOCKS_PER_MAIL", "none", "1"),
    ],
)
def test_number_for_the_ledger_that_makes_no_sense_fails_at_start(
    name: str, text: str, least: str
) -> None:
    ledger = {"LEDGER_TABLE": "ledger", "LEDGER_KEY": "a-key", name: text}

    with pytest.raises(ValueError, match=f"{name} is '{text}'; .* from {least} on"):
        read_block_settings(CONSUMER | ledger)


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("MAX_EMAILS_PER_REQUEST", "1", "max_emails_per_request", 1),
        ("MAX_EMAILS_PER_REQUEST", " 500 ", "max_emails_per_request", 500),
        ("MAX_EMAILS_PER_REQUEST", "", "max_emails_per_request", 1000),
        ("API_REQUESTS_PER_SECOND", "1.5", "api_requests_per_second", 1.5),
        ("API_REQUESTS_PER_SECOND", "20", "api_requests_per_second", 20.0),
        ("FIRST_RETRY_SECONDS", "1", "first_retry_seconds", 1.0),
        ("EXPECTED_APP_IDS", "251200670", "expected_app_ids", {"251200670"}),
        ("EXPECTED_APP_IDS", " 1 ,, 2,", "expected_app_ids", {"1", "2"}),
        ("EXPECTED_APP_IDS", " ", "expected_app_ids", set()),
        ("EXPECTED_FROM_DOMAINS", "A.example,b.Example", "expected_from_domains",
         {"a.example", "b.example"}),
        ("DRY_RUN", "true", "dry_run", True),
        ("DRY_RUN", " True ", "dry_run", True),
        ("DRY_RUN", "false", "dry_run", False),
        ("DRY_RUN", "FALSE", "dry_run", False),
        ("DRY_RUN", "", "dry_run", False),
    ],
)  # fmt: skip
def test_settings_are_typed(name: str, text: str, attribute: str, value: object) -> None:
    assert getattr(read_block_settings(CONSUMER | {name: text}), attribute) == value


def test_number_of_emails_is_whole() -> None:
    """It is used to cut lists."""
    settings = read_block_settings(CONSUMER | {"MAX_EMAILS_PER_REQUEST": "1e2"})

    assert isinstance(settings.max_emails_per_request, int)


@pytest.mark.parametrize(
    ("endpoint", "region", "url"),
    [
        ("ses.intl.tencentcloudapi.com", "ap-singapore", "https://ses.intl.tencentcloudapi.com"),
        ("ses.tencentcloudapi.com", "ap-guangzhou", "https://ses.tencentcloudapi.com"),
        ("ses.tencentcloudapi.com", "ap-hongkong", "https://ses.tencentcloudapi.com"),
        (" ses.tencentcloudapi.com ", " ap-hongkong ", "https://ses.tencentcloudapi.com"),
        ("http://127.0.0.1:8080", "ap-singapore", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "anywhere", "http://127.0.0.1:8080"),
        ("", "", "https://ses.intl.tencentcloudapi.com"),
    ],
)
def test_endpoint_and_region_that_belong_together_are_taken(
    endpoint: str, region: str, url: str
) -> None:
    environment = {"TENCENT_SES_ENDPOINT": endpoint, "TENCENT_SES_REGION": region}

    settings = read_block_settings(CONSUMER | environment)

    assert settings.endpoint == url
    assert settings.region == (region.strip() or "ap-singapore")


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("ses.intl.tencentcloudapi.com", "ap-guangzhou"),
        ("ses.intl.tencentcloudapi.com", "ap-hongkong"),
        ("ses.tencentcloudapi.com", "ap-singapore"),
        ("ses.tencentcloudapi.com", ""),
        ("", "ap-guangzhou"),
        ("https://ses.tencentcloudapi.com", "ap-guangzhou"),
        ("ses.example.com", "ap-singapore"),
        ("http://localhost:8080", "ap-singapore"),
        ("https://127.0.0.1:8080", "ap-singapore"),
        ("http://127.0.0.1", "ap-singapore"),
        ("http://127.0.0.1:", "ap-singapore"),
        ("http://127.0.0.1:port", "ap-singapore"),
        ("http://127.0.0.1:80@ses.example.com", "ap-singapore"),
    ],
)
def test_endpoint_and_region_that_do_not_belong_together_fail_at_start(
    endpoint: str, region: str
) -> None:
    """Otherwise the key goes to a place that does not know it, and every request fails there."""
    environment = {"TENCENT_SES_ENDPOINT": endpoint, "TENCENT_SES_REGION": region}
    sentence = (
        f"TENCENT_SES_ENDPOINT {endpoint or 'ses.intl.tencentcloudapi.com'!r} does not serve "
        f"TENCENT_SES_REGION {region or 'ap-singapore'!r}; there are "
        "ses.intl.tencentcloudapi.com with ap-singapore; "
        "ses.tencentcloudapi.com with ap-guangzhou or ap-hongkong"
    )

    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        read_block_settings(CONSUMER | environment)


@pytest.mark.parametrize("name", ["QUEUE_URL", "DEAD_LETTER_QUEUE_URL"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_both_functions_need_both_queues(name: str, value: str | None) -> None:
    def environment(base: Environment) -> Environment:
        return without(base, name) | ({} if value is None else {name: value})

    with pytest.raises(ValueError, match=f"^{name} is not set$"):
        read_receive_settings(environment(DOOR))
    with pytest.raises(ValueError, match=f"^{name} is not set$"):
        read_block_settings(environment(CONSUMER))


@pytest.mark.parametrize(
    "environment", [QUEUES, QUEUES | {"CALLBACK_TOKENS": " ", "CALLBACK_TOKENS_PARAMETER": ""}]
)
def test_door_without_tokens_fails_at_start(environment: Environment) -> None:
    sentence = "set CALLBACK_TOKENS_PARAMETER to the name of an SSM parameter, or CALLBACK_TOKENS"

    with pytest.raises(ValueError, match=f"^{sentence}$"):
        read_receive_settings(environment)


def test_consumer_without_credentials_fails_at_start() -> None:
    sentence = (
        "set TENCENT_CREDENTIALS_PARAMETER to the name of an SSM parameter, "
        "or TENCENTCLOUD_SECRET_KEY"
    )

    with pytest.raises(ValueError, match=f"^{sentence}$"):
        read_block_settings(QUEUES)


@pytest.mark.parametrize("secret_id", [{}, {"TENCENTCLOUD_SECRET_ID": " "}])
def test_secret_key_needs_its_id(secret_id: Environment) -> None:
    with pytest.raises(ValueError, match=r"^TENCENTCLOUD_SECRET_ID is not set$"):
        read_block_settings({**QUEUES, "TENCENTCLOUD_SECRET_KEY": "key", **secret_id})


def test_credentials_may_stand_directly() -> None:
    settings = read_block_settings(
        QUEUES | {"TENCENTCLOUD_SECRET_ID": " id ", "TENCENTCLOUD_SECRET_KEY": " key\n"}
    )

    assert (settings.secret_id, settings.secret_key.value) == ("id", "key")


def test_id_in_the_environment_does_not_go_with_a_key_from_elsewhere() -> None:
    settings = read_block_settings(CONSUMER | {"TENCENTCLOUD_SECRET_ID": "id"})

    assert settings.secret_id == ""


def test_secret_that_stands_directly_comes_before_the_parameter() -> None:
    settings = read_receive_settings(DOOR | {"CALLBACK_TOKENS": "a-token-0123456789"})

    assert settings.callback_tokens.value == "a-token-0123456789"


@pytest.mark.parametrize(
    ("name", "text", "least"),
    [
        ("MAX_EMAILS_PER_REQUEST", "0", "1"),
        ("MAX_EMAILS_PER_REQUEST", "0.9", "1"),
        ("MAX_EMAILS_PER_REQUEST", "-5", "1"),
        ("MAX_EMAILS_PER_REQUEST", "many", "1"),
        ("MAX_EMAILS_PER_REQUEST", "inf", "1"),
        ("MAX_EMAILS_PER_REQUEST", "nan", "1"),
        ("API_REQUESTS_PER_SECOND", "0", "1"),
        ("API_REQUESTS_PER_SECOND", "0.99", "1"),
        ("API_REQUESTS_PER_SECOND", "5/s", "1"),
        ("API_REQUESTS_PER_SECOND", "5,5", "1"),
        ("FIRST_RETRY_SECONDS", "0", "1"),
        ("FIRST_RETRY_SECONDS", "30s", "1"),
        ("FIRST_RETRY_SECONDS", "1e999", "1"),
    ],
)
def test_number_that_makes_no_sense_fails_at_start(name: str, text: str, least: str) -> None:
    sentence = f"{name} is {text!r}; it must be a number from {least} on"

    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_block_settings(CONSUMER | {name: text})


@pytest.mark.parametrize("text", ["yes", "1", "0", "no", "on", "tru"])
def test_truth_is_true_or_false(text: str) -> None:
    """A dry run that was meant and not understood would block real people."""
    with pytest.raises(ValueError, match=f"^DRY_RUN is '{text}'; it must be true or false$"):
        read_block_settings(CONSUMER | {"DRY_RUN": text})


def test_settings_show_no_secret() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    secrets = {
        "CALLBACK_TOKENS": "s3cret-token-0123456789",
        "TENCENTCLOUD_SECRET_ID": "s3cret-id",
        "TENCENTCLOUD_SECRET_KEY": "s3cret-key",
    }

    shown = repr([read_receive_settings(DOOR | secrets), read_block_settings(CONSUMER | secrets)])

    assert "s3cret" not in shown
    assert "/stage/callback-tokens" in shown


@pytest.mark.parametrize(
    "mistake",
    [
        {"QUEUE_URL": ""},
        {"TENCENT_SES_REGION": "nowhere"},
        {"MAX_EMAILS_PER_REQUEST": "x"},
        {"DRY_RUN": "x"},
        {"TENCENTCLOUD_SECRET_ID": ""},
    ],
)
def test_no_refusal_tells_a_secret(mistake: dict[str, Any]) -> None:
    secrets = {"TENCENTCLOUD_SECRET_ID": "s3cret-id", "TENCENTCLOUD_SECRET_KEY": "s3cret-key"}

    with pytest.raises(ValueError, match=next(iter(mistake))) as caught:
        read_block_settings(CONSUMER | secrets | mistake)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
