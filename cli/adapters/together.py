"""
Many updates of one table in one transaction: each is done, or its conditions do not hold.

A hundred cost two requests at most and twice the price, where one by one they cost a hundred.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.adapters.aws import aws_errors
from cli.errors import TryAgainError
from functions.blocklist.adapters.dynamo_table import Update

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: Of one transaction.
MAX_UPDATES = 100
#: Somebody else writes to one of them just now, or the table grows into what is asked of it.
TRIES = 8
_FIRST_WAIT_SECONDS = 0.1


def write_together(
    client: "DynamoDBClient",
    table: str,
    updates: Sequence[Update],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """
    Carry out those of *updates* whose conditions hold; give how many.

    No two of them may be of one item.

    Raises:
        CliError: AWS refuses, or is busy for too long. Of each hundred all is done or nothing.
    """
    return sum(
        _write(client, table, updates[start : start + MAX_UPDATES], sleep)
        for start in range(0, len(updates), MAX_UPDATES)
    )


def _write(
    client: "DynamoDBClient",
    table: str,
    updates: Sequence[Update],
    sleep: Callable[[float], None],
) -> int:
    left = list(updates)
    for attempt in range(TRIES):
        if not left:
            return 0
        reasons = _try(client, table, left)
        if not reasons:
            return len(left)
        still = [
            update
            for update, reason in zip(left, reasons, strict=True)
            if reason != "ConditionalCheckFailed"
        ]
        if len(still) == len(left):
            sleep(random.uniform(0.5, 1) * _FIRST_WAIT_SECONDS * 2**attempt)  # noqa: S311 - no secret
        left = still
    raise TryAgainError("The ledger is too busy.", "Run the same again in a minute.")


def _try(client: "DynamoDBClient", table: str, updates: Sequence[Update]) -> Sequence[str]:
    """Give why nothing was done, for each of *updates*; nothing when all is done."""
    items = [{"Update": update.request(table)} for update in updates]
    with aws_errors():
        try:
            client.transact_write_items(TransactItems=items)  # type: ignore[arg-type]  # of Any
        except ClientError as error:
            reasons = [
                str(each.get("Code")) for each in error.response.get("CancellationReasons", [])
            ]
            if not reasons or _is_hopeless(reasons):
                raise
            return reasons
    return ()


def _is_hopeless(reasons: Sequence[str]) -> bool:
    return bool({"ValidationError", "ItemCollectionSizeLimitExceeded"} & set(reasons))
