"""What every test gets: no proxy, no account, no leftovers of another test's sandbox."""

import io
import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from hypothesis import settings

from functions.block_recipients import handler as block_handler
from functions.blocklist import bootstrap
from functions.receive_callback import handler as receive_handler

#: A busy machine is no bug: no example has a deadline.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


#: Files with few tests that take as long as hundreds of others: begun last, they would end alone.
LONGEST = (
    "local/demo/test_main.py",
    "model/test_model.py",
    "integration/test_deploy.py",
    "integration/test_account.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and then with those of the most tests."""
    tests = Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        is_long = any(item.path.match(pattern) for pattern in LONGEST)
        return not is_long, -tests[item.path], str(item.path)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the developer's shell sets away from the code under test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(autouse=True)
def _cold_sandbox() -> Iterator[None]:
    """Forget what `bootstrap` keeps for a sandbox's life: no test sees another's."""
    yield
    for builder in vars(bootstrap).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()


class Written:
    """What the handlers wrote: log lines and metrics lines, as JSON."""

    def __init__(self, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._log = log
        self._capsys = capsys
        self._printed = ""

    @property
    def text(self) -> str:
        """Everything written since the test began."""
        captured = self._capsys.readouterr()
        self._printed += captured.out + captured.err
        return self._log.getvalue() + self._printed

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Everything written, which must be JSON, line by line."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines that CloudWatch turns into metrics."""
        return [line for line in self.lines if "_aws" in line]

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The lines that people read."""
        return [line for line in self.lines if "_aws" not in line]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Written:
    """Catch what the handlers write, at whatever level."""
    log = io.StringIO()
    for handler in (receive_handler, block_handler):
        stream_handler = handler.logger.registered_handler
        assert isinstance(stream_handler, logging.StreamHandler)
        monkeypatch.setattr(stream_handler, "stream", log)
        handler.logger.setLevel("DEBUG")
    return Written(log, capsys)


class FakeContext(LambdaContext):
    """What Lambda hands to a handler beside the event."""

    _function_name = "function"
    _function_version = "$LATEST"
    _memory_limit_in_mb = 256
    _invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:function"
    _aws_request_id = "11111111-2222-3333-4444-555555555555"

    def __init__(self, seconds_left: float = 60.0) -> None:
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # theirs is static
        """Give the time left, which does not run."""
        return int(self._seconds_left * 1000)
