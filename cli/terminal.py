"""
What people and scripts see: results on standard output, everything else on standard error.

So `ses-blocklist ... --json | jq` never meets a progress bar or a warning.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from cli.errors import AttentionError, CliError


def say(text: str = "", *, style: str = "") -> None:
    """Write a line of the result, as it is."""
    console().print(Text(_harmless(text), style=style), soft_wrap=True)


def warn(text: str) -> None:
    """Write a line beside the result."""
    _errors().print(Text(_harmless(text), style="yellow"), soft_wrap=True)


def show_error(error: CliError) -> None:
    """Say what is wrong, and what to do."""
    _errors().print(Text(_harmless(error.problem), style="bold red"), soft_wrap=True)
    if error.advice:
        _errors().print(Text(_harmless(error.advice)), soft_wrap=True)


def show(what: RenderableType) -> None:
    """Write anything that is laid out already."""
    console().print(what)


@contextmanager
def redrawing() -> Iterator[Callable[[RenderableType], None]]:
    """Give what shows each thing in place of the last, and below it where that cannot be."""
    if not console().is_terminal:
        yield show
        return
    with Live(console=console(), auto_refresh=False) as live:
        yield lambda what: live.update(what, refresh=True)


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Sequence[str] = (),
) -> None:
    """Write a table; *numbers* are the columns that line up on the right."""
    console().print(make_table(columns, rows, title=title, numbers=numbers))


def make_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Sequence[str] = (),
) -> Table:
    """Lay out a table."""
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        justify = "right" if column in numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", header_style="bold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def write_json(value: object) -> None:
    """Write one JSON document."""
    typer.echo(json.dumps(value, indent=2))


def write_json_lines(values: Iterable[object]) -> None:
    """Write one JSON object a line, each as soon as it is there."""
    for value in values:
        typer.echo(json.dumps(value))


def ask(question: str, *, yes: bool) -> None:
    """
    Ask before what cannot be undone, unless *yes* was said beforehand.

    Raises:
        AttentionError: the answer is no, or there is nobody to answer.
    """
    if yes:
        return
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        agreed = False
        typer.echo(err=True)
    if not agreed:
        raise AttentionError("Nothing was changed.", "Answer y to go on, or say --yes in scripts.")


@contextmanager
def progress(doing: str, *, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while work goes on; call what is given with each number done."""
    console = _errors()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task(doing, total=total)
        yield lambda done: bars.advance(task, done)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else _harmless(str(value))


def _harmless(text: str) -> str:
    """Show what would be a command to the terminal: replies and callbacks come from strangers."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text
    )


def console() -> Console:
    """Give where results are written."""
    return Console(file=sys.stdout, highlight=False)


def _errors() -> Console:
    return Console(file=sys.stderr, highlight=False)
