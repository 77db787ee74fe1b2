"""`report`: what was blocked, or would be, and whether the reasons look right."""

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import bootstrap, terminal
from cli.errors import WrongInputError
from cli.logic.known import BLOCKED, DRY_RUN, HELD
from cli.logic.mistakes import read_period
from cli.logic.reports import MOST_SENDERS, Report, sum_up
from cli.logic.times import to_the_minute
from cli.options import AsJson, Since, Stage, Until


def report(
    *,
    stage: Stage,
    since: Since = "7d",
    until: Until = "",
    html: Annotated[
        Path | None, typer.Option(help="Write a page with plots there.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Count who was blocked, or in a dry run would be, by reason, sender and mailbox provider.

    And what providers call their bounces, against what the replies say. Reads the whole table.
    """
    first, last = read_period(since, until, now=time.time())
    if html and html.exists():
        raise WrongInputError(f"{html} is there already.", "Name another file, or remove it first.")
    ledger = bootstrap.ledger(stage)
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        found = sum_up(ledger.everybody(advance), since=first, until=last)
    if html:
        period = f"From {to_the_minute(first)} to {to_the_minute(last)} UTC"
        _write(html, bootstrap.page(found, title=f"Stage {stage}: who is blocked", period=period))
    if as_json:
        moments = {"since": _iso(first), "until": _iso(last)}
        terminal.write_json({"stage": stage, **moments, **found.as_json()})
        return
    terminal.say(
        f"Stage {stage} from {to_the_minute(first)} to {to_the_minute(last)} UTC", style="bold"
    )
    _show(found)
    if html:
        terminal.say(f"\nWritten to {html}: open it in a browser.")


def _show(found: Report) -> None:
    people = found.people
    terminal.say(f"{people[BLOCKED]:>6,}  blocked")
    terminal.say(f"{people[DRY_RUN]:>6,}  would have been blocked: a dry run")
    terminal.say(f"{people[HELD]:>6,}  held by the brake")
    _table("reason", found.reasons)
    _table("mailbox provider", found.providers)
    _table("sender", found.senders, MOST_SENDERS)
    if found.labels:
        terminal.say()
        rows = [(*key, number) for key, number in found.labels.most_common()]
        terminal.show_table(("label", "what the reply says", "events"), rows, numbers=("events",))
    if found.unknown_texts:
        terminal.say("\nThe commonest replies that no rule knows:")
        for text, number in found.unknown_texts:
            terminal.say(f"{number:>6,}  {text}")


def _table(name: str, counts: Counter[str], most: int | None = None) -> None:
    if counts:
        terminal.say()
        terminal.show_table((name, "people"), counts.most_common(most), numbers=("people",))


def _write(path: Path, page: str) -> None:
    """Write for its owner alone: senders and replies are nobody else's business."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise WrongInputError(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(page)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
