"""The command itself, in this process, against the two doubles."""

from collections.abc import Iterator

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.pipeline import PACKAGE, REGION, STACK_NAME, put_secrets, read_template
from local.quirks import set_mapping_state
from local.stack import Stack, deploy
from local.tencent import TencentDouble
from tests.cli.running import SECRET_ID, SECRET_KEY, Account


@pytest.fixture(autouse=True)
def _quiet_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every developer's terminal the same width, no colours, and no settings of their own."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in (
        "FORCE_COLOR",
        "SES_BLOCKLIST_STAGE",
        "TENCENTCLOUD_SECRET_ID",
        "TENCENTCLOUD_SECRET_KEY",
        "TENCENT_SES_ENDPOINT",
        "TENCENT_SES_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[TencentDouble]:
    """Give Tencent's API, and the environment that leads to it."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        monkeypatch.setenv("TENCENT_SES_ENDPOINT", double.url)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", SECRET_ID)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET_KEY)
        yield double


@pytest.fixture(scope="session")
def emulator() -> Iterator[Aws]:
    with Emulator(region=REGION) as aws:
        yield aws


@pytest.fixture
def aws(emulator: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Give an account, and the environment that leads to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    return emulator


@pytest.fixture(scope="session")
def _deployed(emulator: Aws) -> Stack:
    """Deploy the stage `local`, whose trigger is off: nobody but the test takes messages."""
    template = read_template(PACKAGE)
    put_secrets(emulator, template)
    endpoint = {"TencentSesEndpoint": "http://127.0.0.1:9"}
    return deploy(emulator, template, PACKAGE / "functions.zip", endpoint, name=STACK_NAME)


@pytest.fixture
def account(aws: Aws, _deployed: Stack) -> Account:
    """Give the stage `local` as after its deployment, with empty queues and its trigger off."""
    account = Account(aws, _deployed)
    set_mapping_state(account.functions, account.mapping, enabled=False)
    put_secrets(aws, read_template(PACKAGE))
    account.empty()
    return account
