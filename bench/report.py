"""The table on the terminal, the JSON, and the picture."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.rows import Row, Verdict

_STYLES = {Verdict.MET: "green", Verdict.MISSED: "bold red", Verdict.PRINTED: "dim"}
_COLOURS = {Verdict.MET: "#2e7d32", Verdict.MISSED: "#c62828"}


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows; where something was repeated, with the middle half of the rounds."""
    table = Table(title="Medians of rounds by turns, in CPU time unless it says s", box=SIMPLE)
    table.add_column("row")
    for heading in ("figure", "middle half", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for row in (row for row in rows if row not in _bills(rows)):
        spread = "" if row.low is None else f"{_short(row.low)} - {_short(row.high or 0)}"
        target = f"{row.target}{' exactly' if row.exact else ''}" if row.target else ""
        verdict = f"[{_STYLES[row.verdict]}]{row.verdict}[/]"
        name = f"{row.name}, [dim]{row.unit}[/]" if row.unit else row.name
        table.add_row(name, _short(row.value), spread, target, verdict)
    console.print(table)


def show_bills(console: Console, rows: Sequence[Row]) -> None:
    """Print the bills by item, the numbers of mails side by side."""
    bills = _bills(rows)
    if not bills:
        return
    table = Table(title="Dollars a month at list prices, estimated", box=SIMPLE)
    table.add_column("item")
    for bill in bills:
        table.add_column(bill.name.removeprefix("a month with "), justify="right", max_width=10)
    for item in bills[0].details["items"]:
        table.add_row(item, *(f"{bill.details['items'][item]:.2f}" for bill in bills))
    table.add_row("all, behind a function URL", *(f"{bill.value:.2f}" for bill in bills))
    table.add_section()
    for door in bills[0].details["doors"]:
        table.add_row(f"{door}: more", *(f"{bill.details['doors'][door]:.2f}" for bill in bills))
    table.add_row(
        "instead of block_recipients: an invocation and a call for each event",
        *(f"{bill.details['naive_consumer']:.2f}" for bill in bills),
    )
    console.print(table)


def _bills(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if "items" in row.details]


def write_json(path: Path, rows: Sequence[Row], *, seconds: float) -> None:
    """Leave everything that was found, and on what."""
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "machine": _machine(),
        "rows": [row.as_json() for row in rows],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_picture(path: Path, rows: Sequence[Row]) -> None:
    """Draw how far each row is from its target: left of the line is better."""
    drawn = [row for row in reversed(rows) if row.target and row.target.value]
    shares = [_share(row) for row in drawn]
    figure = Figure(figsize=(9, 0.5 * len(drawn) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh([row.name for row in drawn], shares, color=[_COLOURS[row.verdict] for row in drawn])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, max(1.0, *shares) + 0.5)
    axes.set_xlabel("of what the target allows; left of the line is better")
    for position, row in enumerate(drawn):
        text = f" {_short(row.value)} {row.unit.partition(' ')[0]} ({row.target})"
        axes.annotate(text, (max(1.0, shares[position]), position), va="center", fontsize=8)
    figure.savefig(path, dpi=150)


def _share(row: Row) -> float:
    """Give the figure as a part of what is allowed, whichever way the target looks."""
    if row.target is None:
        raise ValueError(f"{row.name} has no target")
    value, target = row.value, row.target.value
    return target / value if row.target.sign == ">=" else value / target


def _machine() -> Mapping[str, object]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004
