"""`dead-letters redrive`, `release` and `drop`: what becomes of dead letters."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.commands.dead_letters import (
    BulkId,
    Codes,
    Limit,
    all_letters,
    held_elsewhere,
    say_none,
    selected,
    told_as_held,
    waiting,
)
from cli.errors import AttentionError, WrongInputError
from cli.logic import letters as logic
from cli.logic.letters import HELD, Entry, Letter, Selection
from cli.options import DryRun, Stage, Yes

if TYPE_CHECKING:
    from cli.adapters.queues import Queue, Walk

LetterRate = Annotated[
    float, typer.Option("--rate", help="Letters a second, so that the queue keeps up.", min=0.1)
]
Everything = Annotated[bool, typer.Option("--all", help="Whatever the code.")]

SENT = "sent back to the queue"
DROPPED = "deleted"
DROPPED_HELD = "deleted: the ledger goes on holding them, so they never count"
TOO_LARGE = "too large for the queue: left where they are"
REFUSED = "refused by SQS: left where they are"


def redrive(
    *,
    stage: Stage,
    codes: Codes = None,
    everything: Everything = False,
    bulk_id: BulkId = "",
    limit: Limit = None,
    rate: LetterRate = 50.0,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Send dead letters back to the queue, once what was wrong is mended.

    Those that are held stay, whatever is chosen: they would only be held again. Stopped anywhere,
    nothing is lost: at worst ten are sent twice, which is harmless.
    """
    if HELD in (codes or ()):
        raise WrongInputError(
            "Held ones would only be held again.", "ses-blocklist dead-letters release"
        )
    chosen = replace(_chosen(stage, codes, bulk_id, everything=everything), never=HELD)
    if dry_run or not yes:
        _preview("go back to the queue", stage, chosen, limit, dry_run=dry_run)
    _send_back(stage, chosen, limit, rate, as_operator=False)


def release(
    *,
    stage: Stage,
    bulk_id: BulkId = "",
    limit: Limit = None,
    rate: LetterRate = 50.0,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Let held blocks through: send them back as an operator's, which nothing holds.

    The brake held them since there were far more than usual. Look at some first:
    ses-blocklist dead-letters show --code Held
    """
    chosen = Selection(frozenset({HELD}), bulk_id)
    if dry_run or not yes:
        _preview("be blocked", stage, chosen, limit, dry_run=dry_run)
    _send_back(stage, chosen, limit, rate, as_operator=True)


def drop(
    *,
    stage: Stage,
    codes: Codes = None,
    everything: Everything = False,
    bulk_id: BulkId = "",
    limit: Limit = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Delete dead letters for good. Nobody is blocked for them.

    In the ledger the held ones stay held: they never count, whatever comes after them.
    """
    chosen = _chosen(stage, codes, bulk_id, everything=everything)
    if dry_run or not yes:
        _preview("be deleted for good", stage, chosen, limit, dry_run=dry_run)

    def delete(walk: "Walk", letters: Sequence[Letter]) -> Counter[str]:
        walk.take_off(letters)
        return Counter(DROPPED_HELD if letter.code == HELD else DROPPED for letter in letters)

    queue = bootstrap.dead_letter_queue(stage)
    _tell(_each_batch(queue, chosen, limit, "Deleting", delete), queue)


def _chosen(
    stage: str, codes: Sequence[str] | None, bulk_id: str, *, everything: bool
) -> Selection:
    if not codes and not bulk_id and not everything:
        raise WrongInputError("Which ones?", "Say --code CODE, --bulk-id ID, or --all.")
    return selected(bootstrap.dead_letter_queue(stage), codes, bulk_id)


def _preview(what: str, stage: str, chosen: Selection, limit: int | None, *, dry_run: bool) -> None:
    """Count whom it would concern, and ask; end here when that is all that was asked for."""
    queue = bootstrap.dead_letter_queue(stage)
    letters = all_letters(queue, waiting(queue.attributes()))
    groups = logic.grouped(letter for letter in letters if letter in chosen)
    total = sum(group.letters for group in groups.values())
    if not total:
        say_none(queue)
        raise typer.Exit
    number = min(total, limit or total)
    named = logic.counted(groups)
    if dry_run:
        terminal.say(f"{number:,} would {what} ({named}).")
        raise typer.Exit
    terminal.ask(f"{number:,} will {what} ({named}). Go on?", yes=False)


def _send_back(
    stage: str, chosen: Selection, limit: int | None, rate: float, *, as_operator: bool
) -> None:
    source = bootstrap.source_queue(stage)
    max_bytes = int(source.attributes()["MaximumMessageSize"])
    pacer = bootstrap.pacer(rate)

    def send(walk: "Walk", letters: Sequence[Letter]) -> Counter[str]:
        going: list[Letter] = []
        entries: list[Entry] = []
        for letter in letters:
            attributes = logic.returning_attributes(letter, as_operator=as_operator)
            if not logic.fits(letter, max_bytes=max_bytes, attributes=attributes):
                continue
            pacer.wait(before=float("inf"))
            going.append(letter)
            entries.append(Entry(letter.body, attributes))
        refused = set(source.send(entries))
        sent = [letter for position, letter in enumerate(going) if position not in refused]
        walk.take_off(sent)
        return Counter(
            {
                SENT: len(sent),
                TOO_LARGE: len(letters) - len(going),
                REFUSED: len(refused),
            }
        )

    queue = bootstrap.dead_letter_queue(stage)
    _tell(_each_batch(queue, chosen, limit, "Sending back", send), queue)


def _each_batch(
    queue: "Queue",
    chosen: Selection,
    limit: int | None,
    doing: str,
    act: Callable[["Walk", Sequence[Letter]], Counter[str]],
) -> Counter[str]:
    """Walk once, acting on what is *chosen*, up to *limit* of it."""
    done: Counter[str] = Counter()
    with (
        terminal.progress(doing, total=waiting(queue.attributes())) as advance,
        queue.walk() as walk,
    ):
        for batch in walk:
            room = None if limit is None else limit - done.total()
            done += act(walk, [letter for letter in batch if letter in chosen][:room])
            advance(len(batch))
            if limit is not None and done.total() >= limit:
                break
    return done


def _tell(done: Counter[str], queue: "Queue") -> None:
    for what, number in done.items():
        terminal.say(f"{number:>6,}  {what}")
    if not done:
        say_none(queue)
    if done[TOO_LARGE] or done[REFUSED]:
        raise AttentionError(
            "Not all of them could go back.", "Look at them: ses-blocklist dead-letters show"
        )
    if held := held_elsewhere(queue.attributes()):
        raise AttentionError(told_as_held(held), "Run the same again then.")
