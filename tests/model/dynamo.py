"""
DynamoDB's UpdateItem as far as the ledger's and the brake's updates go, and a sandbox's client.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from functions.blocklist.adapters.dynamo_brake import HOUR, HOURS_KEY, MAIL_KEY
from functions.blocklist.adapters.dynamo_table import CALL_SECONDS as PATIENCE_SECONDS
from functions.blocklist.adapters.ledger_items import FACT, OUTCOME
from tests.model.clock import SandboxClock
from tests.model.events import End, Event

CALL_SECONDS = 0.01
#: No longer than the client waits.
LOST_SECONDS = PATIENCE_SECONDS - 0.1

#: As DynamoDB writes it down: each value under the letter of its type.
Item = dict[str, Mapping[str, Any]]

_CONDITION = re.compile(r"attribute_not_exists\((#\d+)\)|(size\()?(#\d+)\)?=(:\d+)")
_CLAUSE = re.compile(r"(SET|ADD|DELETE|REMOVE) ([^A-Z]+)")
#: `#0=:0`, `#0=if_not_exists(#0,:0)`, `#0 :0` and `#0`.
_PART = re.compile(r"(#\d+)(?:=(if_not_exists\(#\d+,)?(:\d+)\)?| (:\d+))?")
_EXPRESSION = re.compile(
    rf"(?:(?:^| )(?:SET|ADD|DELETE|REMOVE) {_PART.pattern}(?:,{_PART.pattern})*)+"
)


class TableFault(Enum):
    """What goes wrong with one update."""

    NONE = auto()
    THROTTLED = auto()  # nothing happened
    DENIED = auto()  # nor here, and only a person can mend it
    INVALID = auto()
    SLOW = auto()  # it happened, at the last moment
    LOST_BEFORE = auto()
    LOST_AFTER = auto()  # it happened, and nobody is told
    NOTHING_SAID = auto()  # 200 from something that is not DynamoDB


class Purpose(Enum):
    """What an update is for."""

    FACTS = auto()
    OUTCOME = auto()
    ANNOUNCEMENT = auto()  # of a term, or of a doubt
    COUNT = auto()  # the brake's


_SLOW = frozenset({TableFault.SLOW, TableFault.LOST_BEFORE, TableFault.LOST_AFTER})
_CODES = {
    TableFault.THROTTLED: "ThrottlingException",
    TableFault.DENIED: "AccessDeniedException",
    TableFault.INVALID: "ValidationException",
}


@dataclass
class Table:
    """Items by their key, for all sandboxes."""

    items: dict[str, Item] = field(default_factory=dict)

    def update(self, request: Mapping[str, Any]) -> Item | None:
        """Carry out *request* and give the item, or None where a condition does not hold."""
        key: str = request["Key"]["pk"]["S"]
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        item = dict(self.items.get(key, {}))
        conditions = request.get("ConditionExpression", "")
        if not all(
            _holds(item, found, names, values)
            for found in map(_CONDITION.fullmatch, filter(None, conditions.split(" AND ")))
        ):
            return None
        expression = request["UpdateExpression"]
        assert _EXPRESSION.fullmatch(expression), "an update of another kind"
        for verb, parts in _CLAUSE.findall(expression):
            for placeholder, once, set_to, other in _PART.findall(parts):
                name, value = names[placeholder], values.get(set_to or other)
                if not (once and name in item):
                    _apply(item, verb, name, value)
        self.items[key] = {**request["Key"], **item}
        return self.items[key]


def is_recorded(event: Event, table: Table) -> bool:
    """Tell whether *event* is a fact, and, if it blocks, whether the ledger says so."""
    for item in table.items.values():
        if item.get("address") == {"S": event.about}:
            facts = [value["M"] for name, value in item.items() if name.startswith(FACT)]
            is_fact = any(fact.get("mail") == {"S": event.tag.decode()} for fact in facts)
            return is_fact and ("applied" in item or event.end is not End.BLOCKED)
    return False


def listed(table: Table) -> dict[str, date]:
    """Give whom the ledger says to be on Tencent's list, without a doubt, and until when."""
    return {
        item["address"]["S"]: date.fromisoformat(item["applied"]["S"])
        for item in table.items.values()
        if "applied" in item and "asked" not in item
    }


def counted_by_brake(table: Table) -> int:
    """Give how many blocks were counted, of all hours."""
    hours = table.items.get(HOURS_KEY, {})
    return sum(int(value["N"]) for name, value in hours.items() if name.startswith(HOUR))


class TableClient:
    """
    What a sandbox has for boto3's client.

    Says how often an update *failed*, and how often somebody else had *come_between*.
    """

    def __init__(self, table: Table, clock: SandboxClock) -> None:
        self.failed = self.come_between = 0
        self._script: list[TableFault] = []
        self._at: Mapping[Purpose, TableFault] = {}
        self._table = table
        self._clock = clock

    def begin(self, script: Sequence[TableFault], at: Mapping[Purpose, TableFault]) -> None:
        """Forget what was done before this invocation; *script* holds its calls' faults."""
        self._script, self._at = list(script), at
        self.failed = self.come_between = 0

    def update_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever boto3 takes
        fault = self._next_fault(_purpose(request))
        self.failed += fault not in {TableFault.NONE, TableFault.SLOW}
        half = (LOST_SECONDS if fault in _SLOW else CALL_SECONDS) / 2
        self._clock.sleep(half)  # it may be killed before it
        if fault is TableFault.LOST_BEFORE or fault in _CODES:
            self._clock.sleep(half)
            if fault in _CODES:
                raise _refused(_CODES[fault], f"not with {request}")
            raise ReadTimeoutError(endpoint_url=str(request))
        item = self._table.update(request)
        self._clock.sleep(half)  # or after it
        self._clock.point()
        if fault is TableFault.LOST_AFTER:
            raise ReadTimeoutError(endpoint_url=str(request))
        if fault is TableFault.NOTHING_SAID:
            return {}
        if item is None:
            self.come_between += 1
            code, key = "ConditionalCheckFailedException", request["Key"]["pk"]["S"]
            raise _refused(code, f"not with {request}", Item=self._table.items.get(key, {}))
        return {"Attributes": item}

    def _next_fault(self, purpose: Purpose) -> TableFault:
        if purpose in self._at:
            return self._at[purpose]
        return self._script.pop(0) if self._script else TableFault.NONE


def _purpose(request: Mapping[str, Any]) -> Purpose:
    names = request["ExpressionAttributeNames"].values()
    if request["Key"]["pk"]["S"].startswith((HOURS_KEY, MAIL_KEY)):
        return Purpose.COUNT
    if any(name.startswith(OUTCOME) for name in names):
        return Purpose.OUTCOME
    return Purpose.ANNOUNCEMENT if "asked" in names else Purpose.FACTS


def _holds(
    item: Item, found: re.Match[str] | None, names: Mapping[str, str], values: Mapping[str, Any]
) -> bool:
    assert found, "a condition of another kind"
    absent, size, present, value = found.groups()
    if absent:
        return names[absent] not in item
    stands = item.get(names[present])
    if size:
        return stands is not None and len(*stands.values()) == int(values[value]["N"])
    return bool(stands == values[value])


def _apply(item: Item, verb: str, name: str, value: Mapping[str, Any] | None) -> None:
    if verb == "REMOVE":
        item.pop(name, None)
        return
    assert value
    [(letter, new)] = value.items()
    old = item.get(name, {letter: "0" if letter == "N" else []})[letter]
    if verb == "SET":
        item[name] = value
    elif letter == "N":
        item[name] = {"N": str(int(old) + int(new))}
    elif elements := sorted({*old, *new} if verb == "ADD" else {*old} - {*new}):
        item[name] = {letter: elements}
    else:
        item.pop(name, None)  # there are no empty sets


def _refused(code: str, message: str, **more: object) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, **more}, "UpdateItem")  # type: ignore[typeddict-item]
