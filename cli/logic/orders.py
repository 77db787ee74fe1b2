"""
What an operator asks to be blocked, and the messages that say so.

The message is for the consumer alone, which takes it only with the SQS attribute Origin=operator:

    {"event": "operator_block", "email": ..., "timestamp": epoch seconds, "by": ...,
     "until": "YYYY-MM-DD", "reason": ..., "note": ...}

The last three are left out when there is nothing to say; without `until` the block is for good.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TextIO

from cli.errors import WrongInputError
from cli.logic.known import DRY_RUN, Known
from cli.logic.times import day_in_shanghai
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.terms import FOR_GOOD, Terms

#: A column of the file: the headers, in lower case and without blanks, that it goes by elsewhere.
_ALIASES = {
    "address": ("address", "email", "emailaddress", "recipient", "e-mail", "mail"),
    "reason": ("reason", "error", "type", "suppressionreason", "description"),
    "until": ("until", "expiry", "expires", "expiredate", "expirydate"),
}
MAX_TEXT_CHARACTERS = 500
_DAY = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?![0-9])")
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Order:
    """Block *address*, normalised, until the day *until*; None means for good."""

    address: str = field(repr=False)
    until: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of a file that cannot be an order, and why."""

    line: int
    problem: str


def message(order: Order, *, at: int, by: str, note: str = "") -> str:
    """Give the queue message for *order*."""
    optional = {
        "until": order.until.isoformat() if order.until else "",
        "reason": order.reason[:MAX_TEXT_CHARACTERS],
        "note": note[:MAX_TEXT_CHARACTERS],
    }
    return json.dumps(
        {
            "event": "operator_block",
            "email": order.address,
            "timestamp": at,
            "by": by,
            **{name: text for name, text in optional.items() if text},
        }
    )


def united(orders: Iterable[Order]) -> Sequence[Order]:
    """Give one order for each address: the one that blocks for longer."""
    found: dict[str, Order] = {}
    for order in orders:
        known = found.get(order.address)
        if known is None or _lasts_longer(order, known):
            found[order.address] = order
    return list(found.values())


def _lasts_longer(order: Order, known: Order) -> bool:
    if known.until is None:
        return False
    return order.until is None or order.until > known.until


def read_day(text: str) -> date | None:
    """Give the day at the beginning of *text*, with the year first; None when there is none."""
    found = _DAY.match(text.strip())
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def order_from(address: str, *, until: str, reason: str, today: date) -> Order:
    """
    Make an order of what somebody wrote.

    Raises:
        ValueError: it cannot be one; the text says why, without the address.
    """
    normalised = normalise(address)
    if not normalised:
        raise ValueError("not an address")
    if not until.strip():
        return Order(normalised, None, reason.strip())
    day = read_day(until)
    if day is None:
        raise ValueError(f"{until.strip()!r} is no day like 2027-01-31")
    if day <= today:
        raise ValueError(f"{day} is over")
    return Order(normalised, day, reason.strip())


def order_of_dry_run(known: Known, terms: Terms, *, today: date, reason: str) -> Order | None:
    """Give the order for somebody whom a dry run decided to block, and nobody has blocked since."""
    decided = [
        outcome for outcome in known.outcomes if outcome.outcome == DRY_RUN and outcome.until
    ]
    history = known.history
    until = history.blocked_until(terms)
    if not decided or not known.address or history.applied or history.asked:
        return None
    if until is None or until <= today:
        return None
    told = reason or f"dry run of {day_in_shanghai(decided[-1].at)}"
    return Order(known.address, None if until == FOR_GOOD else until, told)


def read_orders(
    file: TextIO, *, origin: str, columns: Mapping[str, str], reason: str, today: date
) -> Iterator[Order | BadRow]:
    """
    Read a CSV file with a header line: from *columns*, ours by theirs, or by usual names.

    Raises:
        WrongInputError: there is no column with addresses, or one that was named.
    """
    names, delimiter = _header(file, origin=origin)
    positions = _positions(names, columns, origin=origin)
    reader = csv.reader(file, delimiter=delimiter)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        cells = {
            ours: row[position] if position < len(row) else ""
            for ours, position in positions.items()
        }
        try:
            yield order_from(
                cells["address"],
                until=cells.get("until", ""),
                reason=cells.get("reason", "") or reason,
                today=today,
            )
        except ValueError as error:
            yield BadRow(reader.line_num + 1, str(error))


def unused_columns(file: TextIO, *, origin: str, columns: Mapping[str, str]) -> Sequence[str]:
    """
    Give the names of those columns that `read_orders` makes nothing of.

    Raises:
        WrongInputError: as `read_orders` does.
    """
    names, _ = _header(file, origin=origin)
    used = _positions(names, columns, origin=origin).values()
    return [name for position, name in enumerate(names) if position not in used and name.strip()]


def _header(file: TextIO, *, origin: str) -> tuple[Sequence[str], str]:
    """Give the names of the columns, and what parts them."""
    line = file.readline()
    delimiter = max(_DELIMITERS, key=line.count)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    if not any(names):
        raise WrongInputError(f"{origin} is empty.", "Its first line names the columns.")
    if any(map(normalise, names)):
        raise WrongInputError(
            f"{origin} begins with an address.",
            "Its first line must name the columns: put `email` above, for example.",
        )
    return names, delimiter


def _positions(
    names: Sequence[str], columns: Mapping[str, str], *, origin: str
) -> Mapping[str, int]:
    found = {}
    plain = [name.strip().lower().replace(" ", "").replace("_", "") for name in names]
    for ours, aliases in _ALIASES.items():
        if ours in columns:
            if columns[ours] not in names:
                raise WrongInputError(
                    f"{origin} has no column {columns[ours]!r}.", f"It has: {', '.join(names)}"
                )
            found[ours] = names.index(columns[ours])
        else:
            there = [plain.index(alias) for alias in aliases if alias in plain]
            if there:
                found[ours] = there[0]
    if "address" not in found:
        raise WrongInputError(
            f"{origin} has no column that looks like addresses.",
            f"Say which it is: --column address=NAME. It has: {', '.join(names)}",
        )
    return found


def read_columns(texts: Sequence[str]) -> Mapping[str, str]:
    """
    Read `--column ours=theirs`.

    Raises:
        WrongInputError: one is not of that form.
    """
    columns = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        ours = "until" if ours == "expiry" else ours
        if ours not in _ALIASES or not equals:
            raise WrongInputError(
                f"--column {text} is not understood.",
                f"It is OURS=THEIRS, where OURS is one of {', '.join(_ALIASES)}; expiry is until.",
            )
        columns[ours] = theirs
    return columns
