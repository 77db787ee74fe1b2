"""
Measure, print the table, and leave `dist/bench/results.json` and `table.png`.

Exit status 1 when an exact row is missed: what it counts is the same on every machine. A ratio that
is missed is only said, since a busy machine alone can do that; run again before you believe it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Console

from bench import api, bill, cold, growth, handling, judging, latency, naive
from bench.report import show, show_bills, write_json, write_picture
from bench.rows import Row, Verdict
from infra.template import ROOT
from local.parent import end_with_parent

GROUPS: Mapping[str, Callable[[], Iterator[Row]]] = {
    "handling": handling.rows,
    "cold": cold.rows,
    "api": api.rows,
    "naive": naive.rows,
    "growth": growth.rows,
    "latency": latency.rows,
    "judging": judging.rows,
}
FOLDER = ROOT / "dist" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the groups that are asked for, all without being asked."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure the pipeline.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    wanted = parser.parse_args(arguments).groups or list(GROUPS)
    if unknown := set(wanted) - GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    end_with_parent()
    console, start = Console(), time.monotonic()
    rows = list(_measure(console, wanted))
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_json(FOLDER / "results.json", rows, seconds=time.monotonic() - start)
    write_picture(FOLDER / "table.png", rows)
    show(console, rows)
    show_bills(console, rows)
    return _judge(console, rows)


def _measure(console: Console, wanted: Sequence[str]) -> Iterator[Row]:
    rows: dict[str, Row] = {}
    for name in wanted:
        console.print(f"measuring: {name} ...")
        rows |= {row.name: row for row in GROUPS[name]()}
    yield from rows.values()
    if {"handling", "cold", "naive"} <= set(wanted):
        yield from bill.rows(bill.Measured.by(rows))


def _judge(console: Console, rows: Sequence[Row]) -> int:
    missed = [row for row in rows if row.verdict is Verdict.MISSED]
    console.print(f"\nSee also {FOLDER.relative_to(ROOT)}/results.json and table.png there.")
    if any(row.fails_the_run for row in missed):
        console.print("An exact row is missed: no noise can explain that.", style="bold red")
        return 1
    if missed:
        console.print(
            f"{len(missed)} missed. These are ratios, and a busy machine moves them: run again."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
