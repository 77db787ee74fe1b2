"""The ledger in DynamoDB: one item for each address, written with one update at a time."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import TypeVar

from functions.blocklist.adapters.dynamo_table import ChangedError, DynamoTable, Item, Update
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.adapters.ledger_items import (
    DISOWNED,
    FACT,
    OUTCOME,
    UNBLOCK,
    Value,
    bare,
    day,
    existing_entry,
    fact_entry,
    is_bare,
    number,
    oldest_first,
    outcome_entry,
    read_history,
    texts,
)
from functions.blocklist.domain.errors import RetryLaterError, UnavailableError
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import DAY_SECONDS, FOR_GOOD
from functions.blocklist.services.ports import Change, Record

T = TypeVar("T")

#: Facts in one update: far below an expression's 4 KB, and with the next two below 400 KB in all.
MAX_FACTS = 20
#: An item with more entries for people than this is thinned down to so many of the newest.
MAX_DETAILED, KEPT_DETAILED = 60, 20
#: Entries that one update makes smaller.
MAX_THINNED = 100


class DynamoLedger:
    """
    The ledger as seen by one batch, *batch_id*, of one *policy_version*.

    What is written to an item keeps it for *retention_days* more.
    """

    def __init__(  # noqa: PLR0913 - what it needs is passed, not found
        self,
        table: DynamoTable,
        *,
        hashed: KeyedHash,
        retention_days: int,
        policy_version: str,
        batch_id: str,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._hashed = hashed
        self._retention_days = retention_days
        self._policy_version = policy_version
        self._batch_id = batch_id
        self._wall_clock = wall_clock

    def record(
        self, records: Mapping[str, Sequence[Record]], *, before: float
    ) -> Mapping[str, History | RetryLaterError]:
        """Add the facts of each recipient, each once, and give its whole history, or the error."""
        return self._for_each(
            records, lambda recipient: self._record(recipient, records[recipient], before)
        )

    def change(
        self, changes: Mapping[str, Change], *, before: float
    ) -> Mapping[str, History | RetryLaterError]:
        """Write *changes*; give only the recipients whose change was not written."""
        answers = self._for_each(
            changes, lambda recipient: self._change(recipient, changes[recipient], before)
        )
        return {recipient: answer for recipient, answer in answers.items() if answer is not None}

    def unblock(self, recipient: str, *, at: float, by: str, note: str, before: float) -> None:
        """
        Take back every block of *recipient* by what happened until *at*, an operator's word.

        Raises:
            RetryLaterError: one of its subclasses.
        """
        update = self._update(recipient)
        moment = number(at)
        update.add("unblocked", {"NS": [moment["N"]]})
        entry = {"at": moment, **texts({"by": by, "note": note})}
        update.set(f"{UNBLOCK}{moment['N']}", {"M": entry})
        update.remove("applied")
        update.remove("asked")
        self._table.update(update, before=before)

    def disown(  # noqa: PLR0913 - what an operator says
        self, recipient: str, keys: Collection[str], *, at: float, by: str, note: str, before: float
    ) -> None:
        """
        Let the facts under *keys* never have been, an operator's word of the moment *at*.

        What is on Tencent's list stays there, and the next event about *recipient* mends it.

        Raises:
            RetryLaterError: one of its subclasses.
        """
        update = self._update(recipient)
        moment = number(at)
        update.add("disowned", {"SS": sorted(keys)})
        entry = {"at": moment, **texts({"by": by, "note": note})}
        update.set(f"{DISOWNED}{moment['N']}", {"M": entry})
        self._table.update(update, before=before)

    def adopting(self, recipient: str, fact: Fact) -> Update:
        """
        Give the update that *recipient* is on Tencent's list by what was done before the ledger.

        Its conditions hold only where the ledger does not know that they may be there.

        Raises:
            RetryLaterError: there is no key to hash them with.
        """
        update = self._update(recipient)
        update.only_if("applied", None)
        update.only_if("asked", None)
        update.set("applied", day(fact.until or FOR_GOOD))
        update.set_once(FACT + fact.key, existing_entry(fact, now=self._wall_clock()))
        return update

    def erase(self, recipient: str, *, before: float) -> bool:
        """
        Forget whose item it is and all that is for people only; tell whether there was any.

        What decisions hang on stays under the hash, so that the next event blocks as if nothing had
        been erased. Until when it is kept does not change.

        Raises:
            RetryLaterError: one of its subclasses; the rest is still there.
        """
        item = self.item(recipient)
        personal = [name for name, value in item.items() if _is_personal(name, value)]
        for start in range(0, len(personal), MAX_THINNED):
            update = Update(item["pk"]["S"])
            update.set("expires_at", item["expires_at"])
            for name in personal[start : start + MAX_THINNED]:
                update.set_or_remove(name, bare(item[name]) if name.startswith(FACT) else None)
            self._table.update(update, before=before)
        return bool(item)

    def item(self, recipient: str) -> Item:
        """
        Give all that is kept of *recipient* as it stands in the table, empty for nothing.

        Raises:
            RetryLaterError: one of its subclasses.
        """
        return self._table.read(self._hashed.of(recipient))

    def history(self, recipient: str) -> History:
        """
        Give what is known of *recipient* that a decision may hang on.

        Raises:
            RetryLaterError: one of its subclasses.
        """
        return read_history(self.item(recipient))

    def _for_each(
        self, names: Collection[str], work: Callable[[str], T]
    ) -> Mapping[str, T | RetryLaterError]:
        """Do *work* for each of *names*, provided that there is a key to hash them with."""
        try:
            self._hashed.of("")
        except RetryLaterError as error:
            return dict.fromkeys(names, error)
        return self._table.each(work, names)

    def _record(self, recipient: str, records: Sequence[Record], before: float) -> History:
        history = History()
        for part in _parts(records):
            item = self._table.update(self._recording(recipient, part), before=before)
            history = read_history(item)
            self._thin(recipient, item, before)
        return history

    def _recording(self, recipient: str, records: Sequence[Record]) -> Update:
        update = self._update(recipient)
        now = self._wall_clock()
        for key, record in {record.fact.key: record for record in reversed(records)}.items():
            update.set_once(
                FACT + key,
                fact_entry(
                    record,
                    recipient,
                    policy_version=self._policy_version,
                    batch_id=self._batch_id,
                    now=now,
                ),
            )
        freed = {record.fact.key for record in records if record.from_operator}
        if freed:
            update.delete("held", {"SS": sorted(freed)})
        return update

    def _change(self, recipient: str, change: Change, before: float) -> History | None:
        seen, update = change.seen, self._update(recipient)
        update.only_if("changes", {"N": str(seen.changes)} if seen.changes else None)
        update.only_if("applied", _day(seen.applied))
        update.only_if("asked", _day(seen.asked))
        update.only_if_size("unblocked", len(seen.unblocked))  # it only grows
        update.only_if_size("disowned", len(seen.disowned))  # so does this
        update.only_if_size("held", len(seen.held))
        update.set("changes", {"N": str(seen.changes + 1)})
        update.set_or_remove("applied", _day(change.applied))
        update.set_or_remove("asked", _day(change.asked))
        if change.held:
            update.add("held", {"SS": sorted(change.held)})
        if change.outcome:
            update.set(
                OUTCOME + self._batch_id,
                outcome_entry(change, policy_version=self._policy_version, now=self._wall_clock()),
            )
        try:
            self._table.update(update, before=before)
        except ChangedError as changed:
            if not changed.item:  # somebody deleted it, and with it what the batch recorded
                raise UnavailableError("dynamodb:ItemGone") from None
            return read_history(changed.item)
        return None

    def _thin(self, recipient: str, item: Item, before: float) -> None:
        """
        Keep an item far from 400 KB, when an address sees events without end.

        Only what no decision hangs on goes, the oldest first. What fails, the next one tries again.
        """
        update = self._update(recipient)
        if _drop_details(update, item):
            with suppress(RetryLaterError):
                self._table.update(update, before=before)

    def _update(self, recipient: str) -> Update:
        """Begin an update that keeps the item alive and says whose it is."""
        update = Update(self._hashed.of(recipient))
        expiry = int(self._wall_clock()) + self._retention_days * DAY_SECONDS
        update.set("address", {"S": recipient})
        update.set("expires_at", {"N": str(expiry)})
        return update


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for start in range(0, max(1, len(records)), MAX_FACTS):
        yield records[start : start + MAX_FACTS]


def _drop_details(update: Update, item: Item) -> bool:
    """
    Make the oldest entries of *item* smaller where they are too many; tell whether any is.

    Facts that are ignored and outcomes go wholly, other facts lose what is for people only.
    """
    entries = [
        (name, entry)
        for name, entry in item.items()
        if name.startswith(OUTCOME) or (name.startswith(FACT) and not is_bare(entry))
    ]
    if len(entries) <= MAX_DETAILED:
        return False
    for name, entry in oldest_first(entries)[:-KEPT_DETAILED][:MAX_THINNED]:
        if name.startswith(FACT) and entry["M"]["action"]["S"] != Action.IGNORE:
            update.set(name, bare(entry))
        else:
            update.remove(name)
    return True


def _is_personal(name: str, value: Value) -> bool:
    """Tell whether an attribute tells people something that no decision hangs on."""
    if name.startswith(FACT):
        return not is_bare(value)
    return name == "address" or name.startswith((OUTCOME, UNBLOCK, DISOWNED))


def _day(value: date | None) -> Mapping[str, str] | None:
    return day(value) if value else None
