"""`block` and `import`: what an operator asks for goes through the queue, as every event does."""

import csv
import hashlib
import itertools
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import bootstrap, terminal
from cli.adapters.journals import Journal, beside
from cli.errors import AttentionError, MendFirstError, WrongInputError
from cli.logic.letters import Entry
from cli.logic.orders import (
    BadRow,
    Order,
    message,
    order_from,
    order_of_dry_run,
    read_columns,
    read_orders,
    united,
    unused_columns,
)
from cli.logic.times import day_in_shanghai
from cli.options import DryRun, Note, Stage, Yes

#: So many are queued, then noted: what a run that is killed in between queues twice.
GROUP = 100
SHOWN_BAD_ROWS = 5

Reason = Annotated[str, typer.Option(help="Why; kept with the decision.", metavar="TEXT")]
ORIGIN = {"Origin": "operator"}


def block(
    addresses: Annotated[list[str], typer.Argument(help="Whom to block.", metavar="ADDRESS...")],
    *,
    stage: Stage,
    until: Annotated[
        str,
        typer.Option(help="Block until this day, in Shanghai; without it for good.", metavar="DAY"),
    ] = "",
    reason: Reason = "",
    note: Note = "",
    dry_run: DryRun = False,
) -> None:
    """Block people by hand. Every address must be one, else none of them is queued."""
    today = day_in_shanghai(time.time())
    orders = []
    for address in addresses:
        try:
            orders.append(order_from(address, until=until, reason=reason, today=today))
        except ValueError as error:
            raise WrongInputError(f"{address}: {error}.", "Nothing was queued.") from None
    wanted = united(orders)
    if dry_run:
        terminal.say(f"{_addresses(len(wanted))} would be queued.")
        return
    refused = _queue(stage, wanted, at=int(time.time()), by=bootstrap.caller().arn, note=note)
    _tell(stage, len(wanted) - refused, refused)


def import_file(
    file: Annotated[
        Path | None, typer.Argument(help="CSV with a header line.", metavar="FILE")
    ] = None,
    *,
    stage: Stage,
    from_dry_run: Annotated[
        bool,
        typer.Option("--from-dry-run", help="Whom this stage would have blocked while it was dry."),
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="Which column is which: address=NAME, reason=NAME, until=NAME (or expiry=NAME). "
            "Usual names are found without.",
            metavar="OURS=THEIRS",
        ),
    ] = None,
    reason: Reason = "",
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Block whom a file names, such as another provider's suppression list, or whom a dry run decided.

    Each address once, for the longest of its terms. FILE.queued remembers how far it went.
    """
    if from_dry_run == bool(file):
        raise WrongInputError("Give either a file or --from-dry-run.")
    if not file:
        _import_from_dry_run(stage, reason=reason, note=note, dry_run=dry_run, yes=yes)
        return
    named = read_columns(columns or ())
    today = day_in_shanghai(time.time())
    rows = _read(file, named, reason=reason, today=today)
    wanted = united(row for row in rows if isinstance(row, Order))
    bad = [row for row in rows if isinstance(row, BadRow)]
    terminal.say(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}, {_addresses(len(wanted))}.")
    _show_unused_columns(file, named)
    _show_bad_rows(bad)
    done = Journal(beside(file, ".queued"))
    digest = hashlib.sha256(file.read_bytes() + repr((stage, sorted(named.items()))).encode())
    position, at = _progress(done, digest.hexdigest())
    if position:
        terminal.say(f"{_addresses(position)} queued by an earlier run.")
    if dry_run:
        terminal.say(f"{_addresses(len(wanted) - position)} would be queued.")
    elif position < len(wanted):
        question = f"Block {_addresses(len(wanted) - position)} of stage {stage}?"
        terminal.ask(question, yes=yes)
        refused = _queue_all(
            stage, wanted, done, digest=digest.hexdigest(), position=position, at=at, note=note
        )
        _tell(stage, len(wanted) - position - refused, refused)
    if bad:
        left_out = "1 row was" if len(bad) == 1 else f"{len(bad):,} rows were"
        raise AttentionError(f"{left_out} left out.", "Mend them in a file of their own.")


def _import_from_dry_run(stage: str, *, reason: str, note: str, dry_run: bool, yes: bool) -> None:
    """
    Queue whom the stage's ledger says to block and who is not on the list.

    Stopped and run again, some may be queued twice, for the same term.
    """
    now, terms, ledger = time.time(), bootstrap.terms(stage), bootstrap.ledger(stage)
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        found = (
            order_of_dry_run(known, terms, today=day_in_shanghai(now), reason=reason)
            for known in ledger.everybody(advance)
        )
        wanted = [order for order in found if order]
    if not wanted:
        terminal.say("Nobody is left whom a dry run decided to block.")
        return
    if dry_run:
        terminal.say(f"{_addresses(len(wanted))} would be queued.")
        return
    if bootstrap.is_dry_run(stage):
        raise MendFirstError(
            f"Stage {stage} still is a dry run: it would block nobody.",
            f'Go live first: make deploy STAGE={stage} PARAMS="dryRun=false"',
        )
    terminal.ask(f"Block {_addresses(len(wanted))} of stage {stage}?", yes=yes)
    by, refused = bootstrap.caller().arn, 0
    with terminal.progress("Queueing", total=len(wanted)) as advance:
        for start in range(0, len(wanted), GROUP):
            group = wanted[start : start + GROUP]
            refused += _queue(stage, group, at=int(now), by=by, note=note)
            advance(len(group))
    _tell(stage, len(wanted) - refused, refused)


def _queue_all(
    stage: str,
    wanted: Sequence[Order],
    done: Journal,
    *,
    digest: str,
    position: int,
    at: int,
    note: str,
) -> int:
    refused = 0
    by = bootstrap.caller().arn
    with terminal.progress("Queueing", total=len(wanted) - position) as advance:
        for start in range(position, len(wanted), GROUP):
            group = wanted[start : start + GROUP]
            refused += _queue(stage, group, at=at, by=by, note=note)
            done.add({"file": digest, "at": at, "queued": start + len(group)})
            advance(len(group))
    return refused


def _queue(stage: str, orders: Sequence[Order], *, at: int, by: str, note: str) -> int:
    """Queue *orders*, and give how many SQS refused."""
    entries = [Entry(message(order, at=at, by=by, note=note), ORIGIN) for order in orders]
    return len(bootstrap.source_queue(stage).send(entries))


def _progress(done: Journal, digest: str) -> tuple[int, int]:
    """Give how much of this very file is queued, and the moment that its messages carry."""
    entries = [entry for entry in done.read() if entry["file"] == digest]
    if not entries:
        return 0, int(time.time())
    return entries[-1]["queued"], entries[-1]["at"]


def _tell(stage: str, queued: int, refused: int) -> None:
    terminal.say(f"{_addresses(queued)} queued.")
    trigger = bootstrap.switch(stage).read()
    if not trigger.is_on:
        terminal.warn(f"Stage {stage} is paused: they wait until you resume it.")
    if bootstrap.is_dry_run(stage):
        terminal.warn(f"Stage {stage} is a dry run: it decides and counts, and blocks nobody.")
    if refused:
        raise AttentionError(f"SQS refused {refused:,}.", "Run the same again.")


def _show_unused_columns(file: Path, columns: Mapping[str, str]) -> None:
    """Who meant one of them for the expiry would block people for good."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        unused = unused_columns(lines, origin=str(file), columns=columns)
    if unused:
        terminal.warn(f"Not used: {', '.join(unused)}. If one of them should be: --column")


def _show_bad_rows(bad: Sequence[BadRow]) -> None:
    for row in itertools.islice(bad, SHOWN_BAD_ROWS):
        terminal.warn(f"line {row.line}: {row.problem}")
    if len(bad) > SHOWN_BAD_ROWS:
        terminal.warn(f"and {len(bad) - SHOWN_BAD_ROWS:,} more rows that are left out")


def _addresses(number: int) -> str:
    return f"{number:,} address" if number == 1 else f"{number:,} addresses"


def _read(
    file: Path, columns: Mapping[str, str], *, reason: str, today: date
) -> Sequence[Order | BadRow]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            read = read_orders(lines, origin=str(file), columns=columns, reason=reason, today=today)
            return list(read)
    except OSError as error:
        raise WrongInputError(f"{file} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise WrongInputError(
            f"{file} is no CSV file in UTF-8.", "Export it again as such."
        ) from None
