"""`adopt`: what was on Tencent's custom list before the ledger becomes known to it."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.logic.entries import PAGE_ROWS, BlockedPage, fact_of, next_offset
from cli.logic.times import to_the_minute
from cli.options import DryRun, Stage
from functions.blocklist.domain.history import Fact
from functions.blocklist.domain.terms import FOR_GOOD

if TYPE_CHECKING:
    from cli.adapters.ledger import Ledger
    from cli.adapters.tencent import TencentLists

#: Requests a second while the pipeline works, and while it is paused and needs none.
RATE, RATE_WHILE_PAUSED = 5.0, 20.0
#: As many are under way at 20 a second where each takes 0.4 s. The pace is one all the same.
CALLS_AT_ONCE = 8
#: Pages that are written at once: 20 a second where DynamoDB takes 0.2 s for each.
WRITES_AT_ONCE = 4


def adopt(
    *,
    stage: Stage,
    again: Annotated[
        bool, typer.Option("--again", help="Read everything anew, although it was read before.")
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Requests a second; without it 5, and all 20 while the stage is paused.",
            min=1,
            max=20,
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """
    Read the whole custom list into the ledger, so that `why` and `unblock` know what is there.

    Nobody is blocked or freed by it. Stopped anywhere, it goes on from there, on any machine.
    """
    ledger = bootstrap.ledger(stage)
    sofar = ledger.adoption()
    if "finished_at" in sofar and not again:
        terminal.say(
            f"Done already, {to_the_minute(sofar['finished_at'])} UTC: "
            f"{int(sofar['adopted']):,} adopted. To read all of it anew: --again"
        )
        return
    if rate is None:
        rate = RATE if bootstrap.switch(stage).read().is_on else RATE_WHILE_PAUSED
    lists = bootstrap.tencent(stage, requests_per_second=rate, calls_at_once=CALLS_AT_ONCE)
    if dry_run:
        terminal.say(f"{lists.blocked().total or 0:,} entries would be read.")
        return
    begins_anew = not sofar or "finished_at" in sofar
    offset = 0 if begins_anew else int(sofar["offset"])
    adopted = 0 if begins_anew else int(sofar["adopted"])
    read, total_before = 0, None if begins_anew else int(sofar["total"])
    with terminal.progress("Reading the list", total=total_before) as advance:
        for after, page, new in _written(ledger, _pages(lists, offset, total_before)):
            adopted += new
            read += len(page.rows)
            ledger.remember_adoption(offset=after, total=page.total or 0, adopted=adopted)
            advance(len(page.rows))
    ledger.remember_adoption(offset=0, total=0, adopted=adopted, finished_at=time.time())
    terminal.say(f"{read:>9,}  entries read")
    terminal.say(f"{adopted:>9,}  adopted; the others the ledger knew")


def _written(
    ledger: "Ledger", pages: Iterable[tuple[int, BlockedPage]]
) -> Iterator[tuple[int, BlockedPage, int]]:
    """Give every page in its order, once it is written, with how many of it were not known."""
    with ThreadPoolExecutor(WRITES_AT_ONCE) as pool:
        under_way: deque[tuple[int, BlockedPage, Future[int]]] = deque()
        for after, page in pages:
            facts, strange = _facts(page)
            if strange:
                terminal.warn(f"{strange} of them are no addresses: left out")
            under_way.append((after, page, pool.submit(ledger.adopt, facts)))
            if len(under_way) == WRITES_AT_ONCE:
                yield _done(under_way.popleft())
        yield from map(_done, under_way)


def _done(written: tuple[int, BlockedPage, Future[int]]) -> tuple[int, BlockedPage, int]:
    after, page, writing = written
    return after, page, writing.result()


def _pages(
    lists: "TencentLists", offset: int, total_before: int | None
) -> Iterator[tuple[int, BlockedPage]]:
    """Give every page with where the next begins; the next few are asked for meanwhile."""
    pool = ThreadPoolExecutor(CALLS_AT_ONCE)
    coming: dict[int, Future[BlockedPage]] = {}
    try:
        while True:
            for start in _starts(offset, total_before):
                if start not in coming:
                    coming[start] = pool.submit(lists.blocked, offset=start)
            page = coming.pop(offset).result()
            after = next_offset(offset, page, total_before=total_before)
            yield after, page
            if not page.rows or (page.total is not None and after >= page.total):
                return
            if after != offset + PAGE_ROWS:  # what was asked for begins somewhere else
                coming.clear()
            offset, total_before = after, page.total
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _starts(offset: int, total: int | None) -> Iterable[int]:
    """Give where this page and the next few begin, as far as it is known that there are any."""
    known_end = max(offset + 1, total or 0)
    return range(offset, min(known_end, offset + CALLS_AT_ONCE * PAGE_ROWS), PAGE_ROWS)


def _facts(page: BlockedPage) -> tuple[Mapping[str, Fact], int]:
    """Give the fact of each address, the longer of two, and how many entries are none."""
    facts: dict[str, Fact] = {}
    strange = 0
    for entry in page.rows:
        found = fact_of(entry)
        if found is None:
            strange += 1
            continue
        address, fact = found
        known = facts.get(address)
        if known is None or (fact.until or FOR_GOOD) > (known.until or FOR_GOOD):
            facts[address] = fact
    return facts, strange
