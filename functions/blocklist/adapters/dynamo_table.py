"""
One DynamoDB table: an update at a time, or several at once, with failures in our words.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

import random
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from functions.blocklist.domain.errors import (
    ConfigurationError,
    RetryLaterError,
    UnavailableError,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

#: An item as DynamoDB writes it down: each value under the letter of its type.
Item: TypeAlias = Mapping[str, Mapping[str, Any]]

MAX_TRIES = 3
#: Updates under way at once; the client's pool of connections must hold as many.
CONCURRENCY = 10
CONNECT_SECONDS, READ_SECONDS = 1.0, 1.0
#: What one call may take at most; an update that was begun in time ends so much later.
CALL_SECONDS = CONNECT_SECONDS + READ_SECONDS

#: What only an operator can mend, for every item alike.
_CONFIGURATION_CODES = frozenset(
    {
        "AccessDeniedException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)
#: A request that is wrong in itself, as another version of this code may mend.
_WRONG_REQUEST_CODES = frozenset({"ValidationException", "SerializationException"})
_TOO_LARGE = "Item size"


class ChangedError(Exception):
    """An update whose conditions do not hold; *item* is what stands there instead, maybe empty."""

    def __init__(self, item: Item) -> None:
        super().__init__("the item does not stand as it was seen")
        self.item = item


class ItemTooLargeError(UnavailableError):
    """The item would pass 400 KB."""


class WrongRequestError(ConfigurationError):
    """DynamoDB takes this request for a mistake, or we its answer; others may be right."""


@dataclass(slots=True)
class Update:
    """
    One UpdateItem of the item under *key*, put together attribute by attribute.

    Every name and value goes under a placeholder, so no word is a reserved one. One that *counts*
    adds to a number, and so does another thing when it is carried out twice.
    """

    key: str = field(repr=False)
    values: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False, repr=False)
    conditions: list[str] = field(default_factory=list, init=False)
    counts: bool = field(default=False, init=False)
    _placeholders: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _clauses: dict[str, list[str]] = field(default_factory=dict, init=False)

    @property
    def expression(self) -> str:
        """What to do to the item."""
        return " ".join(f"{verb} {','.join(parts)}" for verb, parts in self._clauses.items())

    @property
    def names_by_placeholder(self) -> dict[str, str]:
        """Every attribute that the update is about."""
        return {placeholder: name for name, placeholder in self._placeholders.items()}

    def request(self, table: str) -> dict[str, Any]:
        """Give it as DynamoDB takes it, alone or with others in one transaction."""
        request: dict[str, Any] = {
            "TableName": table,
            "Key": {"pk": {"S": self.key}},
            "UpdateExpression": self.expression,
            "ExpressionAttributeNames": self.names_by_placeholder,
            "ExpressionAttributeValues": self.values,
        }
        if self.conditions:
            request["ConditionExpression"] = " AND ".join(self.conditions)
        return request

    def set(self, name: str, value: Mapping[str, Any]) -> None:
        """Write *value*, whatever stood there."""
        self._add("SET", f"{self._name(name)}={self._value(value)}")

    def set_once(self, name: str, value: Mapping[str, Any]) -> None:
        """Write *value* unless something stands there."""
        placeholder = self._name(name)
        self._add("SET", f"{placeholder}=if_not_exists({placeholder},{self._value(value)})")

    def add(self, name: str, value: Mapping[str, Any]) -> None:
        """Add a number to a number, or elements to a set."""
        self.counts |= "N" in value
        self._add("ADD", f"{self._name(name)} {self._value(value)}")

    def delete(self, name: str, value: Mapping[str, Any]) -> None:
        """Take elements out of a set."""
        self._add("DELETE", f"{self._name(name)} {self._value(value)}")

    def remove(self, name: str) -> None:
        """Take the attribute off the item."""
        self._add("REMOVE", self._name(name))

    def set_or_remove(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Write *value*, where None means that nothing is to stand there."""
        if value is None:
            self.remove(name)
        else:
            self.set(name, value)

    def only_if(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Do nothing unless *value* stands there, where None means nothing."""
        placeholder = self._name(name)
        if value is None:
            self.conditions.append(f"attribute_not_exists({placeholder})")
        else:
            self.conditions.append(f"{placeholder}={self._value(value)}")

    def only_if_size(self, name: str, size: int) -> None:
        """Do nothing unless a set of *size* elements stands there, where 0 means none."""
        if size:
            value = self._value({"N": str(size)})
            self.conditions.append(f"size({self._name(name)})={value}")
        else:
            self.only_if(name, None)

    def _add(self, verb: str, clause: str) -> None:
        self._clauses.setdefault(verb, []).append(clause)

    def _name(self, name: str) -> str:
        return self._placeholders.setdefault(name, f"#{len(self._placeholders)}")

    def _value(self, value: Mapping[str, Any]) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = value
        return placeholder


class DynamoTable:
    """The table *name*, whose items have one key, the text `pk`."""

    def __init__(
        self,
        client: Callable[[], "DynamoDBClient"],
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._sleep = sleep

    def update(self, update: Update, *, before: float) -> Item:
        """
        Carry out *update* and give the whole item as it stands then.

        Begins no try at *before* (monotonic seconds) or later. A try without an answer may have
        taken effect and is made again all the same, but for an update that counts.

        Raises:
            ChangedError: a condition of *update* does not hold, so nothing was done.
            RetryLaterError: one of its subclasses; it may or may not have been done.
        """
        error: RetryLaterError = UnavailableError("NoTimeLeft")
        for attempt in range(MAX_TRIES):
            if attempt:
                self._sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret
            if self._clock() >= before:
                break
            try:
                return self._try(update)
            except (ConfigurationError, ItemTooLargeError):
                raise
            except UnavailableError as unavailable:
                error = unavailable
                if update.counts:
                    break
        raise error

    def each(
        self, work: Callable[[str], T], names: Collection[str]
    ) -> Mapping[str, T | RetryLaterError]:
        """
        Do *work* for each of *names*, several at once; give what it returned, or its error.

        What only an operator can mend is not asked for again: the rest get the same error.
        """
        hopeless: list[RetryLaterError] = []

        def attempt(name: str) -> T | RetryLaterError:
            if hopeless:
                return hopeless[0]
            try:
                return work(name)
            except RetryLaterError as error:
                if isinstance(error, ConfigurationError) and not isinstance(
                    error, WrongRequestError
                ):
                    hopeless.append(error)
                return error

        self._client()  # clients are safe to share between threads, not to build in them
        with ThreadPoolExecutor(max(1, min(CONCURRENCY, len(names)))) as pool:
            return dict(zip(names, pool.map(attempt, names), strict=True))

    def read(self, key: str) -> Item:
        """
        Give the item under *key*, empty where there is none.

        Raises:
            RetryLaterError: one of its subclasses.
        """
        try:
            response = self._client().get_item(
                TableName=self._name, Key={"pk": {"S": key}}, ConsistentRead=True
            )
        except ClientError as error:
            raise _failure(error) from None
        except BotoCoreError as error:
            raise UnavailableError(f"dynamodb:{type(error).__name__}") from None
        return response.get("Item", {})

    def _try(self, update: Update) -> Item:
        request = {**update.request(self._name), "ReturnValues": "ALL_NEW"}
        if update.conditions:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            item: Item = self._client().update_item(**request).get("Attributes", {})
        except ClientError as error:
            raise _failure(error) from None
        except BotoCoreError as error:
            raise UnavailableError(f"dynamodb:{type(error).__name__}") from None
        if not item:  # botocore takes any answer with status 200 for a good one
            raise UnavailableError("dynamodb:NoItem")
        return item


def _failure(error: ClientError) -> RetryLaterError | ChangedError:
    """Say in our words what DynamoDB refused; its own text may hold an item's values."""
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        item: Item = error.response.get("Item", {})  # type: ignore[assignment]
        return ChangedError(item)
    if code in _WRONG_REQUEST_CODES:
        if _TOO_LARGE in error.response["Error"].get("Message", ""):
            return ItemTooLargeError("dynamodb:ItemTooLarge")
        return WrongRequestError(f"dynamodb:{code}")
    kind = ConfigurationError if code in _CONFIGURATION_CODES else UnavailableError
    return kind(f"dynamodb:{code}")
