"""The ledger that tests use is a ledger: it does what the real one does."""

import pytest

from tests.contracts.ledger import LedgerContract
from tests.fakes import FakeLedger


class _Ledger(FakeLedger):
    def take_back(self, recipient: str, at: float) -> None:
        self.unblock(recipient, at=at)

    def unsay(self, recipient: str, key: str) -> None:
        self.disown(recipient, [key])


class TestFakeLedger(LedgerContract):
    """The one that tests use."""

    @pytest.fixture
    def ledger(self) -> _Ledger:
        return _Ledger()
