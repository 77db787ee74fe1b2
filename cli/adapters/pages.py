"""A report as one page that needs nothing else: its plots are in it."""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from cli.logic.known import BLOCKED, DRY_RUN, HELD
from cli.logic.reports import Report

#: Bars in one plot; the tables have the rest.
MOST_BARS = 12
#: Room that a plot by days has at least.
FEWEST_DAYS = 7
_BLUE = "#30638e"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; }
""".strip()


def as_page(report: Report, *, title: str, period: str) -> str:
    """
    Give *report* as a page of HTML.

    Whatever a stranger wrote is text in it, and its policy lets a browser load nothing else.
    """
    people = [
        ("blocked", report.people[BLOCKED]),
        ("would have been blocked (dry run)", report.people[DRY_RUN]),
        ("held by the brake", report.people[HELD]),
    ]
    labels = [(label, reason, number) for (label, reason), number in report.labels.most_common()]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(period)}</p>",
        _table(("people", "number"), people),
        *_section("Why", "reason", report.reasons),
        *_section("Who runs their mailboxes", "mailbox provider", report.providers),
        *_section("Whose mail it was", "sender", report.senders),
        *_section("When", "day, in Shanghai", dict(sorted(report.days.items())), columns=True),
        "<h2>The provider's label, and what the reply says</h2>",
        _table(("label", "reply", "events"), labels),
        "<h2>The commonest replies that no rule knows</h2>",
        _table(("reply", "events"), report.unknown_texts),
    ]
    return _document(title, "\n".join(parts))


def _document(title: str, body: str) -> str:
    allowed = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _section(
    heading: str, name: str, counts: Mapping[str, int], *, columns: bool = False
) -> Sequence[str]:
    rows = list(counts.items()) if columns else _most_first(counts)
    parts = [f"<h2>{escape(heading)}</h2>"]
    if rows:
        picture = _plot(rows, columns=columns)
        alt = f"{heading}: people by {name}"
        parts.append(f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{picture}">')
    return [*parts, _table((name, "people"), rows)]


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(
        f"<th{_kind(cell)}>{escape(name)}</th>" for name, cell in zip(names, rows[0], strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(f"<td{_kind(cell)}>{_cell(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


def _kind(cell: object) -> str:
    return ' class="number"' if isinstance(cell, int) else ""


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else escape(str(cell))


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _plot(rows: Sequence[tuple[str, int]], *, columns: bool) -> str:
    """Draw bars, as an SVG in base64."""
    shown = rows[-60:] if columns else rows[:MOST_BARS]
    names = [_plain(name) for name, _ in shown]
    numbers = [number for _, number in shown]
    height = 3.2 if columns else 0.6 + 0.36 * len(shown)
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots()
    if columns:
        axes.bar(names, numbers, color=_BLUE)
        axes.set_xlim(-0.6, max(len(shown), FEWEST_DAYS) - 0.4)  # one day is no wall
        axes.tick_params(axis="x", rotation=60)
    else:
        axes.bar_label(axes.barh(names, numbers, color=_BLUE), padding=3)
        axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return b64encode(drawn.getvalue()).decode()


def _plain(text: str) -> str:
    """Keep what a stranger wrote from being read as a formula, and short enough to stand there."""
    return text.replace("$", r"\$")[:40]
