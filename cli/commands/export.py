"""`export` and `verify`: what the ledger knows for other systems, and whether Tencent agrees."""

import csv
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import bootstrap, terminal
from cli.errors import AttentionError
from cli.logic.entries import Blocked
from cli.logic.known import BLOCKED, Known, told_until
from cli.logic.mistakes import read_moment, read_period
from cli.logic.orders import read_day
from cli.logic.times import day_in_shanghai
from cli.options import AsJson, Rate, Since, Stage, Until
from functions.blocklist.domain.terms import FOR_GOOD, expire_date

COLUMNS = (
    "address",
    "at",
    "decided_at",
    "kind",
    "action",
    "days",
    "until",
    "standing",
    "blocked_until",
    "rule",
    "policy",
    "reason",
    "reply_rule",
    "code",
    "enhanced",
    "reply",
    "sender",
    "from_domain",
    "template_id",
    "mail",
    "origin",
    "note",
    "batch",
)


class Form(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"


def export(
    *,
    stage: Stage,
    since: Since = "30d",
    until: Until = "",
    form: Annotated[
        Form, typer.Option("--format", help="CSV, or one JSON object a line.")
    ] = Form.CSV,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """
    Write one row for each event that was decided in a time, with all that is kept of it.

    Of erased people without the address. Reads the whole table.
    """
    first, last = read_period(since, until, now=time.time())
    ledger, terms = bootstrap.ledger(stage), bootstrap.terms(stage)
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        rows = (
            row
            for known in ledger.everybody(advance)
            for row in _rows(known, told_until(known.history.blocked_until(terms)), first, last)
        )
        if as_json or form is Form.JSON:
            terminal.write_json_lines(rows)
            return
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)


def verify(
    *,
    stage: Stage,
    sample: Annotated[int, typer.Option(help="Look so many people up.", min=1)] = 20,
    since: Since = "1d",
    rate: Rate = 5.0,
    as_json: AsJson = False,
) -> None:
    """
    Look some of those who were blocked lately up at Tencent, chosen by chance.

    Ends with 1 when one is not on the list, or with another last day.
    """
    now = time.time()
    first = read_moment(since, now=now)
    ledger = bootstrap.ledger(stage)
    lists = bootstrap.tencent(stage, requests_per_second=rate)
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        found = [known for known in ledger.everybody(advance) if _was_blocked(known, first, now)]
    chosen = random.sample(found, min(sample, len(found)))
    wrong: list[dict[str, str]] = []
    with terminal.progress("Asking Tencent", total=len(chosen)) as advance:
        for known in chosen:
            problem = _problem(known, lists.blocked(address=known.address).rows)
            if problem:
                wrong.append({"address": known.address, "problem": problem})
            advance(1)
    if as_json:
        terminal.write_json(
            {"blocked_lately": len(found), "looked_up": len(chosen), "wrong": wrong}
        )
    else:
        terminal.say(f"{len(chosen):,} of {len(found):,} who were blocked were looked up.")
        for each in wrong:
            terminal.say(f"{each['address']}: {each['problem']}")
    if wrong:
        raise AttentionError(
            f"{len(wrong):,} are not as the ledger says.",
            "ses-blocklist why ADDRESS tells more. Did somebody change the list by hand?",
        )


def _rows(known: Known, until: str, first: float, last: float) -> Iterator[Mapping[str, Any]]:
    for event in known.events:
        if first <= event.decided_at < last:
            fact = event.fact
            yield {
                **event.details,
                "address": known.address,
                "at": _iso(fact.at),
                "decided_at": _iso(event.decided_at),
                "action": fact.action.value,
                "days": fact.days or "",
                "until": fact.until.isoformat() if fact.until else "",
                "standing": known.standing(event),
                "blocked_until": until,
            }


def _safe(value: object) -> object:
    """Keep a spreadsheet from taking what a stranger wrote for a formula."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )


def _was_blocked(known: Known, first: float, now: float) -> bool:
    applied = known.history.applied
    return bool(
        known.address
        and applied
        and applied > day_in_shanghai(now)
        and any(each.outcome == BLOCKED and each.at >= first for each in known.outcomes)
    )


def _problem(known: Known, entries: Sequence[Blocked]) -> str:
    if not entries:
        return "is not on the list"
    expected = _day_at_tencent(known)
    said = {read_day(entry.until) for entry in entries}
    if expected in said:
        return ""
    told = ", ".join(told_until(day or FOR_GOOD) for day in said)
    return f"is on it {told}, and should be {told_until(expected or FOR_GOOD)}"


def _day_at_tencent(known: Known) -> date | None:
    """Give the day that Tencent was told, None for good."""
    at = max(each.at for each in known.outcomes if each.outcome == BLOCKED)
    return expire_date(known.history.applied or FOR_GOOD, now=at)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
