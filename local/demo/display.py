"""What people see: a bar and four numbers while it runs, then what became of everything."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.demo.accounting import Check, DeadLetter
from local.pipeline import Pipeline
from local.tencent.blocklists import CustomEntry

_ROWS = 5
_BODY_CHARACTERS = 60


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
    """Print the first rows of the blocklist, as Tencent lists it."""
    table = Table("Id", "Email", "CreateTime", "ExpireDate", title="Blocklist, first rows")
    for entry in entries[:_ROWS]:
        created = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(entry.id), entry.email, created, str(entry.expires_on or "(never)"))
    console.print(table)


def show_dead_letters(console: Console, letters: Sequence[DeadLetter]) -> None:
    """Print the dead letters by reason, with one of each."""
    numbers = Counter(letter.code for letter in letters)
    samples = {letter.code: letter for letter in reversed(letters)}
    table = Table("ErrorCode", "number", "ErrorMessage", "for example", title="Dead letters")
    for code, number in sorted(numbers.items()):
        sample = samples[code]
        table.add_row(code, str(number), sample.sentence, sample.body[:_BODY_CHARACTERS])
    console.print(table)


def show_accounting(console: Console, checks: Sequence[Check]) -> None:
    """Print the accounting, line by line."""
    table = Table("", "expected", "found", "", title="Accounting")
    for check in checks:
        verdict = "[green]holds" if check.holds else f"[red]{_trouble(check)}"
        table.add_row(check.what, str(check.expected), str(check.found), verdict)
    console.print(table)


def _trouble(check: Check) -> str:
    return (
        f"{check.missing} missing, {check.excess} too many"
        if check.missing or check.excess
        else "wrong"
    )
