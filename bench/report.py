"""The table on the terminal, the JSON, and the picture."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from bench.rows import Row, Verdict

_STYLES = {Verdict.MET: "green", Verdict.MISSED: "bold red", Verdict.PRINTED: "dim"}
_COLOURS = {Verdict.MET: "#2e7d32", Verdict.MISSED: "#c62828"}


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print all rows; where something was repeated, with the middle half of the rounds."""
    table = Table(
        title="Measured by turns on this machine, CPU time, medians", title_justify="left"
    )
    for heading, justify in (("row", "left"), ("figure", "right"), ("middle half", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for heading in ("unit", "target", ""):
        table.add_column(heading)
    for row in rows:
        spread = "" if row.low is None else f"{_short(row.low)} - {_short(row.high or 0)}"
        target = f"{row.target}{', exact' if row.exact else ''}" if row.target else ""
        verdict = f"[{_STYLES[row.verdict]}]{row.verdict}[/]"
        table.add_row(row.name, _short(row.value), spread, row.unit, target, verdict)
    console.print(table)


def show_bills(console: Console, rows: Sequence[Row]) -> None:
    """Print the bills by item, the numbers of mails side by side."""
    bills = [row for row in rows if "items" in row.details]
    if not bills:
        return
    table = Table(title="Dollars a month at list prices, estimated", title_justify="left")
    table.add_column("item")
    for bill in bills:
        table.add_column(bill.name.removeprefix("a month with "), justify="right")
    for item in bills[0].details["items"]:
        table.add_row(item, *(f"{bill.details['items'][item]:.2f}" for bill in bills))
    table.add_row("all, behind a function URL", *(f"{bill.value:.2f}" for bill in bills))
    table.add_section()
    for door in bills[0].details["doors"]:
        table.add_row(f"{door}: more", *(f"{bill.details['doors'][door]:.2f}" for bill in bills))
    table.add_row(
        "instead of block_recipients: one invocation and call for each event",
        *(f"{bill.details['naive_consumer']:.2f}" for bill in bills),
    )
    console.print(table)


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
    axes.set_xscale("log")
    axes.set_xlabel("of what the target allows (log scale); left of the line is better")
    for position, row in enumerate(drawn):
        text = f" {_short(row.value)} {row.unit.partition(' ')[0]} ({row.target})"
        axes.annotate(text, (shares[position], position), va="center", fontsize=8)
    axes.margins(x=0.3)
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
