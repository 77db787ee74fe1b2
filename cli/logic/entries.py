"""Entries of Tencent's custom list, and what the ledger takes over of one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cli.logic.orders import read_day
from cli.logic.times import SHANGHAI
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.history import Fact
from functions.blocklist.domain.policy import Action

#: Entries in one answer of Tencent's, the API's own maximum.
PAGE_ROWS = 100
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Blocked:
    """An entry, with Tencent's own texts for its days; *until* is empty for good."""

    id: int
    address: str = field(repr=False)
    created_at: str
    until: str


@dataclass(frozen=True, slots=True)
class BlockedPage:
    """Some entries, and of how many, if Tencent says so."""

    rows: Sequence[Blocked]
    total: int | None


def fact_of(entry: Blocked) -> tuple[str, Fact] | None:
    """
    Give the address, normalised, and the fact that *entry* leaves, or None where it is no address.

    The same entry gives the same key however often it is read. One whose age is not told is as old
    as can be, so that any unblock takes it back.
    """
    address = normalise(entry.address)
    if not address:
        return None
    return address, Fact(
        key=f"existing:{entry.id}:{entry.until}",
        at=_moment(entry.created_at),
        action=Action.BLOCK,
        until=read_day(entry.until),
    )


def next_offset(offset: int, page: BlockedPage, *, total_before: int | None) -> int:
    """
    Give where the page after that at *offset* begins.

    Entries that were taken off since the page before have moved the others up, so that as many may
    have slipped past *offset*: then it begins before that. What is read twice is known by its key.
    """
    if page.total is not None and total_before is not None and page.total < total_before:
        return max(0, offset - (total_before - page.total))
    return offset + len(page.rows)


def _moment(text: str) -> float:
    if not _MOMENT.fullmatch(text.strip()):
        return 0.0
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=SHANGHAI).timestamp()
    except ValueError:
        return 0.0
