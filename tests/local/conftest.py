"""One emulator for the whole run, emptied for each test that asks for it."""

from collections.abc import Iterator

import pytest

from local.aws import Aws
from local.emulator import Emulator

REGION = "ap-southeast-1"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Aws]:
    with Emulator(region=REGION) as aws:
        yield aws


@pytest.fixture
def aws(emulator: Aws) -> Aws:
    """Empty the account."""
    emulator.reset()
    return emulator
