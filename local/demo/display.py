"""What people see: a bar and four numbers while it runs, then what became of everything."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.demo.accounting import Check, DeadLetter
from local.pipeline import Pipeline
from local.tencent.blocklists import CustomEntry

_ROWS = 5


class Watch:
    """The live display: events posted, and what stands where."""

    def __init__(self, console: Console, *, events: int) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._posted = self._progress.add_task("events posted ", total=events)
        self._settled = self._progress.add_task("events settled", total=events)
        self.live = Live(self._render(None), console=console, refresh_per_second=8)

    def posted(self, events: int) -> None:
        """Count *events* more as posted."""
        self._progress.advance(self._posted, events)

    def show(self, pipeline: Pipeline, *, settled: int) -> None:
        """Show how everything stands now."""
        self._progress.update(self._settled, completed=settled)
        self.live.update(self._render(pipeline))

    def _render(self, pipeline: Pipeline | None) -> RenderableType:
        table = Table(
            "on the queue", "API requests", "blocked", "dead letters", box=None, padding=(0, 3)
        )
        if pipeline:
            table.add_row(
                str(pipeline.waiting()),
                str(len(pipeline.double.requests)),
                str(len(pipeline.double.blocked)),
                str(pipeline.dead_letters()),
            )
        return Group(self._progress, table)


def show_blocklist(console: Console, entries: Sequence[CustomEntry]) -> None:
    """Print the first rows of the blocklist, as Tencent keeps it."""
    table = _table(f"The blocklist: the first of {len(entries)} rows")
    for name in ("Id", "Email", "CreateTime (UTC+8)", "ExpireDate"):
        table.add_column(name)
    for entry in entries[:_ROWS]:
        created = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(entry.id), entry.email, created, str(entry.expires_on or "never"))
    console.print(table)


def show_dead_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    """Print the dead letters by reason, with one of each."""
    numbers = Counter(letter.code for letter in letters)
    samples = {letter.code: letter for letter in letters}
    table = _table("The dead letters, by reason")
    table.add_column("ErrorCode", no_wrap=True)
    table.add_column("", justify="right")
    table.add_column("ErrorMessage")
    for code, number in sorted(numbers.items()):
        table.add_row(code, str(number), Text(samples[code].sentence))
    console.print(table)


def show_decisions(console: Console, decided: Mapping[tuple[str, str], int]) -> None:
    """Print how many events each rule of the policy decided."""
    table = _table("The decisions, by rule of the policy")
    table.add_column("rule", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("events", justify="right")
    for (rule, action), number in sorted(decided.items(), key=lambda row: -row[1]):
        table.add_row(rule, action, str(number))
    console.print(table)


def show_accounting(console: Console, checks: Sequence[Check]) -> None:
    """Print the accounting, line by line."""
    table = _table("The accounting")
    table.add_column("", no_wrap=True)
    table.add_column("expected", justify="right")
    table.add_column("found", justify="right")
    table.add_column("", no_wrap=True)
    for check in checks:
        verdict = Text("holds", "green") if check.holds else Text(_trouble(check), "bold red")
        table.add_row(check.what, str(check.expected), str(check.found), verdict)
    console.print(table)
    for check in checks:
        for trouble, names in (("missing", check.missing), ("too many", check.excess)):
            if names:
                console.print(f"{trouble}: {', '.join(sorted(names)[:_ROWS])}", style="bold red")


def _table(title: str) -> Table:
    return Table(title=f"\n{title}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def _trouble(check: Check) -> str:
    if check.missing or check.excess:
        return f"{len(check.missing)} missing, {len(check.excess)} too many"
    return "does not hold"
