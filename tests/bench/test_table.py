"""DynamoDB as the benchmark has it, asked through boto3."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bench.table import Table
from local.tencent.server import HttpServer

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Update = Callable[..., dict[str, Any]]


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def update(table: Table) -> Iterator[Update]:
    """Update the one item, given an expression with its names and values, and give it back."""
    server = HttpServer(table.answer, port=0, number=count().__next__)
    client: DynamoDBClient = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )

    def send(expression: str, *names: str, **values: dict[str, Any]) -> dict[str, Any]:
        return client.update_item(
            TableName="t",
            Key={"pk": {"S": "key"}},
            UpdateExpression=expression,
            ExpressionAttributeNames={f"#{number}": name for number, name in enumerate(names)},
            ExpressionAttributeValues={f":{name[1:]}": value for name, value in values.items()},
            ReturnValues="ALL_NEW",
        )["Attributes"]

    yield send
    server.stop()


def test_item_is_what_all_updates_made_of_it(update: Update) -> None:
    update(
        "SET #0=:0,#1=if_not_exists(#1,:1) ADD #2 :2",
        *("a", "once", "n"),
        _0={"S": "1"},
        _1={"S": "first"},
        _2={"N": "2"},
    )

    item = update(
        "SET #0=:0,#1=if_not_exists(#1,:1) ADD #2 :2",
        *("a", "once", "n"),
        _0={"S": "2"},
        _1={"S": "second"},
        _2={"N": "3"},
    )
    left = update("SET #1=:0 REMOVE #0", "a", "b", _0={"M": {"x": {"S": "y"}}})

    assert item == {"pk": {"S": "key"}, "a": {"S": "2"}, "once": {"S": "first"}, "n": {"N": "5"}}
    assert left == {
        "pk": {"S": "key"},
        "once": {"S": "first"},
        "n": {"N": "5"},
        "b": {"M": {"x": {"S": "y"}}},
    }


def test_units_are_those_of_the_larger_item_before_or_after(table: Table, update: Update) -> None:
    """
    So many of them AWS charges.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    update("SET #0=:0", "a", _0={"S": "x" * 2000})
    update("SET #0=:0", "a", _0={"S": "x"})

    updates, units, stored = table.forget()

    assert (updates, units, stored) == (2, 4, len("pkkeyax"))
    assert table.forget() == (0, 0, 0)
