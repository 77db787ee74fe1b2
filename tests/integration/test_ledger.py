"""The ledger and the brake against DynamoDB as the emulator has it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
from functions.blocklist.adapters.dynamo_table import DynamoTable
from functions.blocklist.adapters.hashing import KeyedHash
from local.emulator import Emulator
from tests.contracts.ledger import NEVER, LedgerContract

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.integration

TABLE = "ledger"
HASHED = KeyedHash(lambda: "0123456789abcdef0123456789abcdef")


@pytest.fixture(scope="module")
def client() -> Iterator["DynamoDBClient"]:
    with Emulator(region="ap-southeast-1") as aws:
        yield aws.client("dynamodb")


@pytest.fixture
def table(client: "DynamoDBClient") -> Iterator[DynamoTable]:
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield DynamoTable(lambda: client, TABLE)
    client.delete_table(TableName=TABLE)


class _Ledger(DynamoLedger):
    def take_back(self, recipient: str, at: float) -> None:
        self.unblock(recipient, at=at, by="tests", note="", before=NEVER)


@pytest.fixture
def ledger(table: DynamoTable) -> _Ledger:
    return _Ledger(
        table, hashed=HASHED, retention_days=400, policy_version="strict@0", batch_id="batch-1"
    )


class TestDynamoLedger(LedgerContract):
    """The real one, on the emulator's DynamoDB."""
