"""Many updates in one transaction: none is lost, none is done against its conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.adapters.together import TRIES, write_together
from cli.errors import CliError, ExitCode
from functions.blocklist.adapters.dynamo_table import Update


@dataclass
class FakeTransactions:
    """Answers each transaction with the next of *refusals*, then takes everything."""

    refusals: list[Sequence[str]] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:  # noqa: N803 - boto3's name
        self.asked.append([item["Update"]["Key"]["pk"]["S"] for item in TransactItems])
        if self.refusals:
            reasons = self.refusals.pop(0)
            answer = {
                "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                "CancellationReasons": [{"Code": reason} for reason in reasons],
            }
            raise ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]  # has no more

    def write(self, *keys: str) -> int:
        updates = [Update(key) for key in keys]
        return write_together(self, "table", updates, sleep=self.waits.append)  # type: ignore[arg-type]  # a stand-in


def test_what_is_known_already_holds_up_nobody_else() -> None:
    """DynamoDB does nothing of a transaction in which one condition does not hold."""
    transactions = FakeTransactions([("None", "ConditionalCheckFailed", "None")])

    written = transactions.write("a", "b", "c")

    assert written == 2
    assert transactions.asked == [["a", "b", "c"], ["a", "c"]]
    assert transactions.waits == []


def test_where_all_is_known_nothing_more_is_asked() -> None:
    transactions = FakeTransactions([("ConditionalCheckFailed",)])

    assert transactions.write("a") == 0
    assert transactions.asked == [["a"]]


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_who_is_in_the_way_is_waited_for(reason: str) -> None:
    """The consumer may write to the same person just now; a new table grows while it is used."""
    transactions = FakeTransactions([("None", reason), ("None", reason)])

    assert transactions.write("a", "b") == 2
    assert len(transactions.asked) == 3
    assert len(transactions.waits) == 2


def test_patience_ends() -> None:
    transactions = FakeTransactions([("ThrottlingError",)] * TRIES)

    with pytest.raises(CliError) as caught:
        transactions.write("a")

    assert caught.value.exit_code == ExitCode.TRY_AGAIN


@pytest.mark.parametrize("reasons", [(), ("ValidationError",)])
def test_what_no_repetition_mends_is_told_at_once(reasons: Sequence[str]) -> None:
    transactions = FakeTransactions([reasons])

    with pytest.raises(CliError, match="TransactionCanceledException"):
        transactions.write("a")

    assert len(transactions.asked) == 1


def test_no_transaction_is_larger_than_a_hundred() -> None:
    transactions = FakeTransactions()

    written = transactions.write(*(f"{n}" for n in range(250)))

    assert written == 250
    assert [len(each) for each in transactions.asked] == [100, 100, 50]
