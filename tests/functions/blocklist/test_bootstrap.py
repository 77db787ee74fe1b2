"""What is built, when, and that it is kept."""

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from functions.blocklist import bootstrap
from functions.blocklist.adapters.tencent_api import Credentials
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


def test_credentials_come_from_the_environment() -> None:
    assert bootstrap._credentials() == Credentials("AKIDexample", "example-secret-key")  # noqa: SLF001


def test_credentials_come_from_a_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = '{"secret_id": "AKIDother", "secret_key": "other"}'
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    monkeypatch.setenv("TENCENT_CREDENTIALS_PARAMETER", "/credentials")
    monkeypatch.setattr(bootstrap, "_ssm", lambda: FakeSsm({"/credentials": parameter}))

    assert bootstrap._credentials() == Credentials("AKIDother", "other")  # noqa: SLF001


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
