"""What is built, when, and that it is kept."""

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from functions.blocklist import bootstrap
from functions.blocklist.adapters.dynamo_table import CONCURRENCY
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.adapters.tencent_api import Credentials
from functions.blocklist.config import Secret
from functions.blocklist.domain.decisions import ExpectedSenders
from functions.blocklist.services.ports import TokenMatch

TOKEN = "a-token-of-enough-characters"


@dataclass
class FakeSsm:
    """Answers `GetParameter` out of a mapping."""

    parameters: dict[str, str]

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> object:  # noqa: N803 - boto3's
        assert WithDecryption
        return {"Parameter": {"Value": self.parameters[Name]}}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.example.com/queue")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.example.com/dead-letters")
    monkeypatch.setenv("CALLBACK_TOKENS", TOKEN)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "example-secret-key")


@pytest.mark.parametrize(
    "build",
    [
        bootstrap.receive_settings,
        bootstrap.block_settings,
        bootstrap.tokens,
        bootstrap.event_queue,
        bootstrap.forwarding,
        bootstrap.redelivery,
        bootstrap.blocklist,
        bootstrap.pacer,
        bootstrap.expected_senders,
        lambda: bootstrap.dead_letters("https://sqs.example.com/dead-letters"),
    ],
)
def test_what_is_built_is_kept(build: Callable[[], object]) -> None:
    """A client for each invocation costs twenty milliseconds; a new pacer forgets the pace."""
    assert build() is build()


def test_tokens_come_from_the_environment() -> None:
    assert bootstrap.tokens().match(TOKEN.encode()) is TokenMatch.CURRENT


def test_tokens_come_from_a_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLBACK_TOKENS")
    monkeypatch.setenv("CALLBACK_TOKENS_PARAMETER", "/tokens")
    monkeypatch.setattr(bootstrap, "_ssm", lambda: FakeSsm({"/tokens": TOKEN}))

    assert bootstrap.tokens().match(TOKEN.encode()) is TokenMatch.CURRENT


def test_nothing_is_passed_on_unless_a_topic_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bootstrap.forwarding() is None

    bootstrap.receive_settings.cache_clear()
    bootstrap.forwarding.cache_clear()
    monkeypatch.setenv("FORWARD_TOPIC_ARN", "arn:aws:sns:eu-west-1:000000000000:callbacks")
    assert bootstrap.forwarding() is not None


def test_topic_is_spoken_to_in_its_own_region() -> None:
    """In another SNS says that it is no topic."""
    client = bootstrap._sns("eu-west-1")  # noqa: SLF001

    assert client.meta.region_name == "eu-west-1"
    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (0.5, 1.0)  # type: ignore[attr-defined]
    assert client.meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]


def test_credentials_come_from_the_environment() -> None:
    assert bootstrap._credentials() == Credentials("AKIDexample", "example-secret-key")  # noqa: SLF001


def test_credentials_come_from_a_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = '{"secret_id": "AKIDother", "secret_key": "other"}'
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    monkeypatch.setenv("TENCENT_CREDENTIALS_PARAMETER", "/credentials")
    monkeypatch.setattr(bootstrap, "_ssm", lambda: FakeSsm({"/credentials": parameter}))

    assert bootstrap._credentials() == Credentials("AKIDother", "other")  # noqa: SLF001


def test_without_a_table_there_is_no_ledger() -> None:
    """Reasons alone decide then."""
    assert bootstrap.ledger("batch") is None


def test_each_batch_has_its_own_ledger_over_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections are dear and kept; whose batch it is changes each time."""
    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("LEDGER_KEY_PARAMETER", "/key")

    first, second = bootstrap.ledger("batch-1"), bootstrap.ledger("batch-2")

    assert first is not None
    assert second is not None
    assert first[0] is not second[0]
    assert first[1] is not second[1]
    assert bootstrap._table("ledger") is bootstrap._table("ledger")  # noqa: SLF001
    assert bootstrap._dynamodb() is bootstrap._dynamodb()  # noqa: SLF001


def test_ledger_and_brake_take_their_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two numbers in each other's place hold everybody, or nobody."""
    for name, value in {
        "LEDGER_TABLE": "ledger",
        "LEDGER_KEY_PARAMETER": "/key",
        "LEDGER_RETENTION_DAYS": "90",
        "BRAKE_BLOCKS_PER_HOUR": "7000",
        "BRAKE_BLOCKS_PER_MAIL": "30",
    }.items():
        monkeypatch.setenv(name, value)

    built = bootstrap.ledger("batch-1")

    assert built is not None
    ledger, brake = built
    assert ledger._retention_days == 90  # noqa: SLF001
    assert (brake._per_hour, brake._per_mail) == (7000, 30)  # noqa: SLF001


def test_ledger_s_key_comes_from_a_parameter_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger and the brake of every batch hash with the same key, read once."""
    key = "0123456789abcdef0123456789abcdef"
    ssm = FakeSsm({"/key": key})
    monkeypatch.setattr(bootstrap, "_ssm", lambda: ssm)
    secret = Secret(parameter="/key")

    first = bootstrap._hashed(secret).of("a")  # noqa: SLF001
    ssm.parameters.clear()

    assert bootstrap._hashed(secret).of("a") == first == KeyedHash(lambda: key).of("a")  # noqa: SLF001


def test_ledger_s_client_is_made_for_thousands_of_small_calls() -> None:
    """Our tries times botocore's would outlive the invocation, and what we send we made."""
    client: Any = bootstrap._dynamodb()  # noqa: SLF001
    config = client.meta.config

    assert (config.connect_timeout, config.read_timeout) == (1.0, 1.0)
    assert config.retries["total_max_attempts"] == 1
    assert config.max_pool_connections == CONCURRENCY
    assert _sends_without_checking(client)


def _sends_without_checking(client: Any) -> bool:  # noqa: ANN401 - as boto3 makes it
    """Tell whether a call that is wrong would be sent; what is checked never gets so far."""

    class SentError(Exception):
        pass

    def stop(**_: object) -> None:
        raise SentError

    client.meta.events.register("before-send.dynamodb.GetItem", stop)
    try:
        client.get_item(TableName="ledger", Key={"pk": {"S": 1}})
    except SentError:
        return True
    except ParamValidationError:
        return False
    return False


def test_expected_senders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPECTED_APP_IDS", "1, 2")
    monkeypatch.setenv("EXPECTED_FROM_DOMAINS", "Example.com")

    assert bootstrap.expected_senders() == ExpectedSenders(
        frozenset({"1", "2"}), frozenset({"example.com"})
    )


@pytest.mark.parametrize(
    ("client", "attempts"),
    [(bootstrap._sqs, 1), (bootstrap._ssm, 2)],  # noqa: SLF001
)
def test_clients_neither_hang_nor_multiply_tries(
    client: Callable[[], object], attempts: int
) -> None:
    """Our tries times botocore's would outlive the invocation."""
    config = client().meta.config  # type: ignore[attr-defined]  # of either client

    assert (config.connect_timeout, config.read_timeout) == (1.0, 2.0)
    assert config.retries["total_max_attempts"] == attempts
    assert config.max_pool_connections == 10


def test_clients_keep_messages_and_secrets_out_of_the_log() -> None:
    """Below INFO botocore prints whole requests and answers."""
    bootstrap._sqs()  # noqa: SLF001

    assert logging.getLogger("botocore").getEffectiveLevel() >= logging.INFO
    assert logging.getLogger("urllib3").getEffectiveLevel() >= logging.INFO


@pytest.mark.parametrize(
    "handler", ["functions.receive_callback.handler", "functions.block_recipients.handler"]
)
def test_import_of_a_handler_loads_no_client(handler: str) -> None:
    """Import does nothing: what a cold start does not need it does not pay for."""
    code = f"import sys, {handler}; print(*sys.modules)"

    loaded = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={}
    ).stdout.split()

    assert handler in loaded
    assert not {"boto3", "botocore.client", "tencentcloud", "requests", "pydantic"} & set(loaded)
