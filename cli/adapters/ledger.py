"""The stage's ledger, for an operator: looked up, searched wholly, and written to by hand."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.adapters.aws import aws_errors
from cli.adapters.together import write_together
from cli.errors import CliError, MendFirstError, TryAgainError
from cli.logic.known import Event, Known, Outcome, TakenBack
from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
from functions.blocklist.adapters.dynamo_table import DynamoTable, Item, Update
from functions.blocklist.adapters.ledger_items import (
    DISOWNED,
    FACT,
    OUTCOME,
    UNBLOCK,
    Value,
    read_history,
)
from functions.blocklist.domain.errors import ConfigurationError, RetryLaterError
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.services.ports import Change

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_NEVER = float("inf")
#: The item that remembers how far `adopt` is, among those of people: no hash is so short.
ADOPTION = "adopt"


class Ledger:
    """The table *name*, seen wholly, and the ledger in it."""

    def __init__(
        self, client: "DynamoDBClient", name: str, table: DynamoTable, ledger: DynamoLedger
    ) -> None:
        self._client = client
        self._name = name
        self._table = table
        self._ledger = ledger

    def look_up(self, address: str) -> Known:
        """Give what is known of *address*, normalised."""
        with ledger_errors("dynamodb:GetItem"):
            return _known(self._ledger.item(address), address)

    def size(self) -> int | None:
        """Give how many items there are, as of some hours ago; for a progress bar."""
        try:
            with aws_errors():
                return self._client.describe_table(TableName=self._name)["Table"]["ItemCount"]
        except MendFirstError:
            return None  # a bar without an end is no reason to fail

    def everybody(self, advance: Callable[[int], None] = lambda _: None) -> Iterator[Known]:
        """Read the whole table, giving whoever is in it, erased people too."""
        with aws_errors():
            for page in self._client.get_paginator("scan").paginate(TableName=self._name):
                items = page.get("Items", [])
                with ledger_errors("dynamodb:Scan"):
                    found = [_known(item) for item in items if _is_somebody(item)]
                yield from found
                advance(len(items))

    def unblock(self, address: str, *, at: float, by: str, note: str) -> None:
        """Take back whatever happened until *at*."""
        with ledger_errors("dynamodb:UpdateItem"):
            self._ledger.unblock(address, at=at, by=by, note=note, before=_NEVER)

    def disown(self, address: str, keys: Collection[str], *, at: float, by: str, note: str) -> None:
        """Let some facts never have been."""
        with ledger_errors("dynamodb:UpdateItem"):
            self._ledger.disown(address, keys, at=at, by=by, note=note, before=_NEVER)

    def change(self, changes: Mapping[str, Change]) -> Mapping[str, History]:
        """Write *changes*; give those that somebody else came before, as they stand now."""
        answers = self._ledger.change(changes, before=_NEVER)
        return {address: _raised(answer) for address, answer in answers.items()}

    def adopt(self, facts: Mapping[str, Fact]) -> int:
        """Take over entries of Tencent's list, a hundred at once; give how many were not known."""
        with ledger_errors("dynamodb:UpdateItem"):
            updates = [self._ledger.adopting(address, fact) for address, fact in facts.items()]
        return write_together(self._client, self._name, updates)

    def erase(self, address: str) -> bool:
        """Forget whose item it is; tell whether there was any."""
        with ledger_errors("dynamodb:UpdateItem"):
            return self._ledger.erase(address, before=_NEVER)

    def adoption(self) -> Mapping[str, float]:
        """Give how far `adopt` is, empty for not begun."""
        with ledger_errors("dynamodb:GetItem"):
            item = self._table.read(ADOPTION)
        return {name: float(value["N"]) for name, value in item.items() if "N" in value}

    def remember_adoption(self, **numbers: float) -> None:
        """Write down how far `adopt` is."""
        update = Update(ADOPTION)
        for name, value in numbers.items():
            update.set(name, {"N": repr(value)})
        with ledger_errors("dynamodb:UpdateItem"):
            self._table.update(update, before=_NEVER)


def _raised(answer: Any) -> Any:  # noqa: ANN401 - what is no error is handed through
    if isinstance(answer, RetryLaterError):
        raise _explained(answer, "dynamodb:UpdateItem") from None
    return answer


@contextmanager
def ledger_errors(right: str) -> Iterator[None]:
    """Turn what the ledger raises into what to do about it."""
    try:
        yield
    except RetryLaterError as error:
        raise _explained(error, right) from None


def _explained(error: RetryLaterError, right: str) -> CliError:
    if error.code.startswith("ssm:") or error.code == "LedgerKeyTooShort":
        return MendFirstError(
            f"The ledger's key cannot be read ({error.code}).",
            "Ask for ssm:GetParameter on it. Is it gone? Put your copy back, since under another "
            "one nobody is known any more; if it never had one: ses-blocklist init STAGE",
        )
    if error.code == "dynamodb:UnreadableItem":
        return MendFirstError(
            "The ledger holds something that this version cannot read.",
            "A newer version wrote it: run the command from its clone.",
        )
    if isinstance(error, ConfigurationError):
        return MendFirstError(
            f"The ledger refused ({error.code}).", f"Ask for {right} on the ledger's table."
        )
    return TryAgainError(
        f"The ledger gave no usable answer ({error.code}).", "Run the same again in a minute."
    )


def _is_somebody(item: Item) -> bool:
    """Tell people from the brake's counts and from `adopt`'s own."""
    return any(name.startswith((FACT, OUTCOME, UNBLOCK)) or name == "address" for name in item)


def _known(item: Item, address: str = "") -> Known:
    events = [
        Event(fact, _texts(item[FACT + fact.key]["M"]))
        for fact in sorted(read_history(item).facts, key=lambda fact: (fact.at, fact.key))
    ]
    outcomes = [
        _outcome(name.removeprefix(OUTCOME), value["M"])
        for name, value in item.items()
        if name.startswith(OUTCOME)
    ]
    taken_back = [
        _taken_back(value["M"], is_everything=name.startswith(UNBLOCK))
        for name, value in item.items()
        if name.startswith((UNBLOCK, DISOWNED))
    ]
    return Known(
        address or item.get("address", {}).get("S", ""),
        read_history(item),
        events,
        sorted(outcomes, key=lambda outcome: outcome.at),
        sorted(taken_back, key=lambda each: each.at),
    )


def _texts(entry: Mapping[str, Value]) -> dict[str, str]:
    return {name: value["S"] for name, value in entry.items() if "S" in value}


def _outcome(batch: str, entry: Mapping[str, Value]) -> Outcome:
    told = _texts(entry)
    return Outcome(
        batch,
        float(entry["at"]["N"]),
        told.get("outcome", ""),
        date.fromisoformat(told["until"]) if "until" in told else None,
        told.get("policy", ""),
        told.get("request_id", ""),
    )


def _taken_back(entry: Mapping[str, Value], *, is_everything: bool) -> TakenBack:
    told = _texts(entry)
    return TakenBack(
        float(entry["at"]["N"]), told.get("by", ""), told.get("note", ""), is_everything
    )
