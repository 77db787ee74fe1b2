"""`status` and `watch`: what a stage did lately, and what waits."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from cli import bootstrap, terminal
from cli.logic.measures import Metric, ours
from cli.logic.stages import ADDRESSES, DOOR, MESSAGES, REQUESTS, Standing, ago
from cli.options import AsJson, Stage

HOUR_SECONDS = 3600
#: So far back it is looked for the last callback: CloudWatch keeps such values for 63 days.
CALLBACK_DAYS = 30

_METRICS = {
    **{name: ours("receive_callback", name) for name in DOOR},
    **{name: ours("block_recipients", name) for name in (*MESSAGES, *ADDRESSES, *REQUESTS)},
}

Hours = Annotated[int, typer.Option(help="Count the last so many hours.", min=1, max=24 * 14)]


def status(*, stage: Stage, hours: Hours = 24, as_json: AsJson = False) -> None:
    """Tell what became of the events of the last hours, and what waits now."""
    standing = read_standing(stage, hours)
    if as_json:
        terminal.write_json(_as_json(standing))
        return
    terminal.show(_laid_out(standing, time.time()))


def watch(
    *,
    stage: Stage,
    hours: Hours = 1,
    every: Annotated[float, typer.Option(help="Seconds from look to look.", min=1)] = 10.0,
    as_json: AsJson = False,
) -> None:
    """
    Show the same live, until Ctrl-C. CloudWatch is a minute or two behind.

    In a file or a pipe each look stands below the last; with --json one object a line.
    """
    try:
        with terminal.redrawing() as show:
            while True:
                standing = read_standing(stage, hours)
                if as_json:
                    terminal.write_json_lines([_as_json(standing)])
                else:
                    show(_laid_out(standing, time.time()))
                bootstrap.sleep(every)
    except KeyboardInterrupt:
        raise typer.Exit from None  # that is how it ends


def read_standing(stage: str, hours: int) -> Standing:
    """Look at everything."""
    now = time.time()
    queue = bootstrap.source_queue(stage).attributes()
    dead_letters = bootstrap.dead_letter_queue(stage).attributes()
    return Standing(
        stage=stage,
        hours=hours,
        is_blocking=bootstrap.switch(stage).read().is_on,
        is_dry_run=bootstrap.is_dry_run(stage),
        counts=_counts(now, hours),
        waiting=int(queue["ApproximateNumberOfMessages"]),
        in_work=int(queue["ApproximateNumberOfMessagesNotVisible"]),
        oldest_arrival=bootstrap.oldest_arrival(stage, now=now),
        dead_letters=int(dead_letters["ApproximateNumberOfMessages"])
        + int(dead_letters["ApproximateNumberOfMessagesNotVisible"]),
        last_callback=last_callback(now),
    )


def last_callback(now: float) -> float | None:
    """Give the beginning of the five minutes in which the last event came, if one did."""
    metric = _METRICS["Events"]
    since = now - CALLBACK_DAYS * 24 * HOUR_SECONDS
    points = bootstrap.metrics().points([metric], since=since, until=now, period_seconds=300)
    return max((moment for moment, events in points[metric].items() if events), default=None)


def _counts(now: float, hours: int) -> Mapping[str, int]:
    since = now - hours * HOUR_SECONDS
    period_seconds = 60 if hours <= 24 else 300  # noqa: PLR2004 - a day
    metrics: list[Metric] = list(_METRICS.values())
    points = bootstrap.metrics().points(
        metrics, since=since, until=now, period_seconds=period_seconds
    )
    return {name: round(sum(points[metric].values())) for name, metric in _METRICS.items()}


def _laid_out(standing: Standing, now: float) -> Group:
    state = "blocking" if standing.is_blocking else "paused"
    dry = ", dry run" if standing.is_dry_run else ""
    parts: list[object] = [
        Text(f"Stage {standing.stage}: {state}{dry}", style="bold"),
        Text(),
        terminal.make_table(
            (_heading(standing.hours), "", "number"),
            standing.rows(),
            numbers=("number",),
        ),
        Text(),
        terminal.make_table((f"now, stage {standing.stage}", ""), _now(standing, now)),
    ]
    hints = standing.hints()
    if hints:
        parts += [Text(), *(Text(hint, style="yellow") for hint in hints)]
    return Group(*parts)  # type: ignore[arg-type]


def _heading(hours: int) -> str:
    """Say of whom the numbers are: the metrics know no stage."""
    return f"last {'hour' if hours == 1 else f'{hours} hours'}, all stages"


def _now(standing: Standing, now: float) -> list[tuple[str, str]]:
    oldest = standing.oldest_arrival
    callback = standing.last_callback
    came = f", the oldest for {ago(now - oldest)}" if oldest is not None else ""
    return [
        ("events waiting", f"{standing.waiting:,}{came}"),
        ("events in work, or hidden until they come back", f"{standing.in_work:,}"),
        ("dead letters", f"{standing.dead_letters:,}"),
        (
            "last callback",
            f"none in {CALLBACK_DAYS} days" if callback is None else f"{ago(now - callback)} ago",
        ),
    ]


def _as_json(standing: Standing) -> dict[str, object]:
    return {
        "stage": standing.stage,
        "blocking": standing.is_blocking,
        "dry_run": standing.is_dry_run,
        "hours": standing.hours,
        "counts_of": "all stages of this account and region",
        "counts": dict(standing.counts),
        "waiting": standing.waiting,
        "in_work": standing.in_work,
        "oldest_arrival": standing.oldest_arrival,
        "dead_letters": standing.dead_letters,
        "last_callback": standing.last_callback,
        "hints": standing.hints(),
    }
