"""A running double, a client for it, and no proxy between them."""

from collections.abc import Iterator

import pytest
from tencentcloud.ses.v20201002.ses_client import SesClient

from local.tencent import TencentDouble
from tests.local.tencent.sdk import SECRET_ID, SECRET_KEY, make_client


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Proxy settings of the machine are none of ours.

    The SDK obeys them even for 127.0.0.1, unless NO_PROXY names the port too.
    """
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def double() -> Iterator[TencentDouble]:
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        yield double


@pytest.fixture
def client(double: TencentDouble) -> SesClient:
    return make_client(double)


@pytest.fixture
def hasty_client(double: TencentDouble) -> SesClient:
    """Give up on any single read after a twentieth of a second."""
    return make_client(double, reqTimeout=0.05)
