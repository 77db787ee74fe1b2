"""The command itself, in this process, against the two doubles."""

from collections.abc import Iterator
from functools import cache

import pytest
from botocore.loaders import JSONFileLoader

from cli.adapters import queues
from local import pipeline as local
from local.aws import Aws
from local.emulator import Emulator
from local.quirks import set_mapping_state
from local.stack import Stack
from local.tencent import TencentDouble
from tests.cli.people import People
from tests.cli.running import SECRET_ID, SECRET_KEY, Account, deploy_stage


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


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Spare every command the reading of what boto3 knows of AWS, a third of its time here."""
    read_once = cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _, path: read_once(path))
        yield


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[TencentDouble]:
    """Give Tencent's API, and the environment that leads to it."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        monkeypatch.setenv("TENCENT_SES_ENDPOINT", double.url)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", SECRET_ID)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET_KEY)
        yield double


@pytest.fixture(scope="module")
def emulator() -> Iterator[Aws]:
    """Give every file an account of its own: CloudWatch cannot be made to forget."""
    with Emulator(region=local.REGION) as aws:
        yield aws


@pytest.fixture
def aws(emulator: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Give an account, and the environment that leads to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    monkeypatch.setattr(
        queues, "WAIT_SECONDS", 0
    )  # here an empty answer always means an empty queue
    return emulator


@pytest.fixture(scope="module")
def _stages_port() -> int:
    """Give the port where the deployed stage looks for Tencent."""
    with TencentDouble(secret_id=local.SECRET_ID, secret_key=local.SECRET_KEY) as double:
        return double.port


@pytest.fixture
def stages_double(_stages_port: int) -> Iterator[TencentDouble]:
    """Give Tencent's API as the deployed stage sees it, with its key."""
    with TencentDouble(
        secret_id=local.SECRET_ID, secret_key=local.SECRET_KEY, port=_stages_port
    ) as double:
        yield double


@pytest.fixture(scope="module")
def _deployed(emulator: Aws, _stages_port: int) -> Stack:
    return deploy_stage(emulator, tencent=f"http://127.0.0.1:{_stages_port}")


@pytest.fixture
def account(aws: Aws, _deployed: Stack) -> Account:
    """Give the stage `local` as after its deployment, with empty queues and its trigger off."""
    account = Account(aws, _deployed)
    set_mapping_state(account.functions, account.mapping, enabled=False)
    local.put_secrets(aws, local.read_template(local.PACKAGE))
    account.empty()
    return account


@pytest.fixture
def people(account: Account, monkeypatch: pytest.MonkeyPatch) -> People:
    """Give the stage's ledger, where nobody is known yet."""
    return People(account, monkeypatch)
