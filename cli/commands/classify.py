"""`classify`: what a reply means, and what would be done about its recipient."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from cli import bootstrap, terminal
from cli.errors import WrongInputError
from cli.logic.lines import read_objects, text_of
from cli.logic.rules import shown_rule
from cli.options import AsJson

if TYPE_CHECKING:
    from cli.adapters.judging import Judge, Judgement

EVENT, LABEL = "bounce", "hard_bounce"


def classify(
    text: Annotated[
        str | None, typer.Argument(help="A mail server's reply.", metavar="TEXT")
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            help='One JSON object a line, with "text" and, if you want, "event" and "label"; '
            "- is standard input.",
            metavar="FILE",
        ),
    ] = None,
    event: Annotated[str, typer.Option(help="The event that Tencent reports.")] = EVENT,
    label: Annotated[str, typer.Option(help="Its bounceType.")] = LABEL,
    as_json: AsJson = False,
) -> None:
    """
    Tell why a mail came back, by which rule, and what the policy does about its recipient.

    Nothing is looked up and nobody is blocked.
    """
    if (text is None) == (file is None):
        raise WrongInputError("Give either a text or --file FILE.")
    judge = bootstrap.judge()
    judge.check_names(event=event, label=label)
    if text is not None:
        _show(judge.decide(text, event=event, label=label), as_json=as_json)
        return
    with _opened(file or Path("-")) as lines:
        judgements = _judge_each(judge, lines, origin=str(file), event=event, label=label)
        if as_json:
            terminal.write_json_lines(map(_as_json, judgements))
        else:
            _show_counts(judgements)


def _judge_each(
    judge: "Judge", lines: Iterable[str], *, origin: str, event: str, label: str
) -> Iterator["Judgement"]:
    for number, value in read_objects(lines, origin=origin):
        where = f"{origin}, line {number}"
        yield judge.decide(
            text_of(value, "text", None, where=where),
            event=text_of(value, "event", event, where=where),
            label=text_of(value, "label", label, where=where),
        )


def _show(judgement: "Judgement", *, as_json: bool) -> None:
    if as_json:
        terminal.write_json_lines([_as_json(judgement)])
        return
    for name, value in {**_as_json(judgement), "rule": shown_rule(judgement.rule)}.items():
        terminal.say(f"{name:<9} {value}")


def _show_counts(judgements: Iterable["Judgement"]) -> None:
    counts = Counter((judgement.reason, judgement.decision.value) for judgement in judgements)
    rows = [(*key, number) for key, number in counts.most_common()]
    terminal.show_table(("reason", "decision", "replies"), rows, numbers=("replies",))


def _as_json(judgement: "Judgement") -> dict[str, str]:
    return {
        "reason": judgement.reason,
        "rule": judgement.rule,
        "decision": judgement.decision.value,
    }


def _opened(file: Path) -> AbstractContextManager[TextIO]:
    if str(file) == "-":
        return nullcontext(sys.stdin)
    try:
        return file.open(encoding="utf-8")
    except OSError as error:
        raise WrongInputError(f"{file} cannot be read: {error.strerror}.") from None
