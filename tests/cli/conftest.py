"""The command itself, in this process, against the two doubles."""

from collections.abc import Iterator

import pytest

from local.tencent import TencentDouble
from tests.cli.running import SECRET_ID, SECRET_KEY


@pytest.fixture(autouse=True)
def _quiet_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every developer's terminal the same width, and no colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("SES_BLOCKLIST_STAGE", raising=False)


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[TencentDouble]:
    """Give Tencent's API, and the environment that leads to it."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        monkeypatch.setenv("TENCENT_SES_ENDPOINT", double.url)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", SECRET_ID)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", SECRET_KEY)
        yield double
