"""
`make faults`: break one thing after the other on the running stack, and account for every event.

Exit status 1 when an event is lost, somebody is blocked unasked, Tencent is asked too often, or a
log holds an address.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from local.parent import end_with_parent
from local.pipeline import TOKEN, running_pipeline
from local.tencent.calls import RecordedRequest
from tests.faults import peers
from tests.faults.scenarios import SCENARIOS, flood
from tests.faults.stage import Result, Stage
from tests.local.logs import read_logs

FLOOD = 50_000
#: Tencent's limit, for all sandboxes together, those that are being replaced too.
REQUESTS_PER_SECOND = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Play all scenarios, or those whose name holds one of the words given."""
    parser = argparse.ArgumentParser(prog="faults", description="Break things on purpose.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="; ".join([*SCENARIOS, "flood"]))
    parser.add_argument("--flood", type=int, default=FLOOD, metavar="CALLBACKS")
    options = parser.parse_args(arguments)
    scenarios = {**SCENARIOS, f"flood of {options.flood:,} callbacks": flood(options.flood)}
    wanted = [name for name in scenarios if any(word in name for word in options.words or [""])]
    end_with_parent()
    console, results = Console(), []
    with running_pipeline() as pipeline:
        stage = Stage(pipeline)
        for name in wanted:
            console.print(f"{name} ...")
            results.append(stage.play(name, scenarios[name]))
        most = most_in_a_second(pipeline.double.requests)
        leaks = [word for word in ("@example", TOKEN) if word in read_logs(pipeline)]
    _show(console, results)
    _show_peers(console)
    console.print(f"Most requests in any second: {most}, of {REQUESTS_PER_SECOND} allowed.")
    console.print(f"In the functions' logs: {', '.join(leaks) or 'no address, no token'}.")
    kept_the_rate = most <= REQUESTS_PER_SECOND
    holds = all(result.holds for result in results) and kept_the_rate and not leaks
    console.print("Everything is accounted for." if holds else "Something is missing or too much.")
    return 0 if holds else 1


def most_in_a_second(requests: Sequence[RecordedRequest]) -> int:
    """Count the starts in the second that has most of them."""
    starts = sorted(request.started_at for request in requests)
    return max((sum(start <= at < start + 1 for at in starts) for start in starts), default=0)


def _show(console: Console, results: Sequence[Result]) -> None:
    table = Table(box=SIMPLE)
    table.add_column("fault")
    for heading in ("events", "accepted", "ignored", "dead letters", "lost", "s to recover"):
        table.add_column(heading, justify="right")
    for result in results:
        numbers = (result.events, result.accepted, result.ignored, result.dead_letters, result.lost)
        style = "" if result.holds else "bold red"
        wrong = f", {result.wrong} blocked unasked" if result.wrong else ""
        table.add_row(
            result.fault + wrong,
            *(f"{number:,}" for number in numbers),
            f"{result.seconds:.0f}",
            style=style,
        )
    console.print(table)


def _show_peers(console: Console) -> None:
    table = Table(title="Others (tests/faults/peers.py)", box=SIMPLE)
    table.add_column("handler, with nothing broken around it unless it says so")
    for heading in ("bounces", "suppressed", "lost"):
        table.add_column(heading, justify="right")
    for peer in (*peers.results(), *peers.tutorial_results()):
        numbers = (peer.bounces, peer.suppressed, peer.lost)
        table.add_row(peer.handler, *(f"{number:,}" for number in numbers))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
