"""People of whom the stage's ledger knows something, and the consumer that tells it."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.block_recipients.handler import lambda_handler
from functions.blocklist import bootstrap
from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
from functions.blocklist.adapters.dynamo_table import DynamoTable
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action, Ruling
from functions.blocklist.domain.reasons import Reason, Verdict
from functions.blocklist.services.ports import Record
from local.pipeline import LEDGER_KEY
from tests.cli.running import Account

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NEVER = float("inf")
#: The id of the first batch.
BATCH = "5f5ad0ab-4c88-4b0a-b9f2-2f1f0a4b9a11"


class People:
    """The stage's ledger, empty at first, and its consumer in this process."""

    def __init__(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        self._account = account
        self._monkeypatch = monkeypatch
        self._batches = 0
        self.table = account.stack.outputs["LedgerTable"]
        self.client: DynamoDBClient = account.aws.client("dynamodb")
        self.empty()

    def empty(self) -> None:
        """Forget everybody."""
        for item in self.client.scan(TableName=self.table, ProjectionExpression="pk")["Items"]:
            self.client.delete_item(TableName=self.table, Key=item)

    def ledger(self, batch: str = "batch-1", *, now: float | None = None) -> DynamoLedger:
        """Give the ledger as the consumer has it, in one batch."""
        return DynamoLedger(
            DynamoTable(lambda: self.client, self.table),
            hashed=KeyedHash(lambda: LEDGER_KEY),
            retention_days=400,
            policy_version="strict@1",
            batch_id=batch,
            wall_clock=lambda: now or time.time(),
        )

    def history(self, address: str) -> History:
        """Give what is known of somebody."""
        return self.ledger().history(address)

    def know(
        self,
        address: str,
        key: str = "a",
        *,
        action: Action = Action.BLOCK,
        at: float | None = None,
        mail: str = "mailing-1",
        batch: str = "batch-1",
        days: int = 0,
        decided_at: float | None = None,
        sender: str = "news@mail.example.org",
    ) -> None:
        """Let the ledger know of an event, as if the consumer had been told."""
        event = DeliveryEvent(
            EventKind.HARD_BOUNCE,
            address,
            bulk_id=mail,
            reply="550 5.1.1 user unknown",
            sender=sender,
        )
        verdict = Verdict(Reason.ADDRESS_GONE, "any: user unknown")
        fact = Fact(key, time.time() - 60 if at is None else at, action, mail, days)
        record = Record(fact, event, Ruling(action, "dead", days, verdict))
        self.ledger(batch, now=decided_at).record({address: [record]}, before=NEVER)

    def adopt(self, address: str, fact: Fact) -> None:
        """Let the ledger know of an entry that was on Tencent's list before it."""
        update = self.ledger().adopting(address, fact)
        DynamoTable(lambda: self.client, self.table).update(update, before=NEVER)

    def queue(self, *events: dict[str, Any]) -> None:
        """Queue callbacks."""
        for event in events:
            self._account.put(self._account.queue, json.dumps(event))

    def consume(self, **settings: str) -> Sequence[str]:
        """Let the stage's own consumer, with its settings, work on all that is queued."""
        self._batches += 1
        account = self._account
        found = account.functions.get_function_configuration(
            FunctionName=account.stack.outputs["BlockRecipientsFunction"]
        )
        environment = {**found["Environment"]["Variables"], **settings}
        records = []
        while messages := account.sqs.receive_message(
            QueueUrl=account.queue,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            records += [_record(message) for message in messages]
            for message in messages:
                account.sqs.delete_message(
                    QueueUrl=account.queue, ReceiptHandle=message["ReceiptHandle"]
                )
        with self._monkeypatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            for builder in vars(bootstrap).values():
                if hasattr(builder, "cache_clear"):
                    builder.cache_clear()
            answer = lambda_handler({"Records": records}, _Context(self._batches))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class _Context(LambdaContext):
    """An invocation with a minute left, the *number*th."""

    def __init__(self, number: int) -> None:
        self._aws_request_id = BATCH[:-1] + str(number)

    _function_name = "block_recipients"
    _memory_limit_in_mb = 1024
    _invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:f"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def _record(message: Any) -> dict[str, Any]:  # noqa: ANN401 - as SQS gives it
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
    }
