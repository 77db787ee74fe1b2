"""A stage's ledger, the terms of its policy, and what settles both with Tencent."""

import uuid
from functools import cache
from typing import TYPE_CHECKING

from cli.bootstrap import accounts, lists, stages
from cli.errors import MendFirstError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

    from cli.adapters.ledger import Ledger
    from cli.adapters.settling import Settling
    from functions.blocklist.domain.terms import Terms


def ledger(stage: str) -> "Ledger":
    """
    Give the ledger of *stage*.

    Raises:
        MendFirstError: the stage keeps none.
    """
    found = ledger_if_any(stage)
    if found is None:
        raise MendFirstError(
            f"Stage {stage} keeps no ledger.",
            f'With one it can tell why: make deploy STAGE={stage} PARAMS="ledger=on"',
        )
    return found


@cache
def ledger_if_any(stage: str) -> "Ledger | None":
    """Give the ledger of *stage*, or None where it keeps none."""
    from functions.blocklist.config import read_ledger_settings

    settings = read_ledger_settings(stages.consumer_environment(stage))
    if settings is None:
        return None
    from cli.adapters.ledger import Ledger
    from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
    from functions.blocklist.adapters.dynamo_table import DynamoTable
    from functions.blocklist.adapters.hashing import KeyedHash
    from functions.blocklist.adapters.ssm import read_secret

    client: DynamoDBClient = accounts.aws().client("dynamodb")
    key = settings.key
    table = DynamoTable(lambda: client, settings.table)
    hashed = KeyedHash(
        lambda: key.value or read_secret(accounts.aws().client("ssm"), key.parameter)
    )
    own = DynamoLedger(
        table,
        hashed=hashed,
        retention_days=settings.retention_days,
        policy_version="operator",
        batch_id=f"operator-{uuid.uuid4().hex[:12]}",
    )
    return Ledger(client, settings.table, table, own)


def policy_file(stage: str) -> str:
    """Give the name of the policy of *stage*."""
    return stages.consumer_environment(stage).get("POLICY_FILE", "").strip() or "strict.toml"


def terms(stage: str) -> "Terms":
    """Give how long the policy of *stage* blocks."""
    from functions.blocklist.adapters.policies import load_policy

    name = policy_file(stage)
    try:
        return load_policy(name).terms
    except (OSError, ValueError) as error:
        raise MendFirstError(
            f"The policy {name} of stage {stage} cannot be read here: {error}.",
            "Run the command from the clone that the stage was deployed from.",
        ) from None


def settling(stage: str, *, requests_per_second: float) -> "Settling":
    """Give what brings people at Tencent to where the ledger of *stage* says they belong."""
    from cli.adapters.settling import Settling

    both = lists.tencent(stage, requests_per_second=requests_per_second)
    return Settling(ledger(stage), both, terms(stage))
