"""`undo`: what one mistake did is taken back, and only that."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.adapters.settling import in_groups
from cli.errors import AttentionError, WrongInputError
from cli.logic.known import Known
from cli.logic.mistakes import Mistake, read_moment, read_period
from cli.options import DryRun, IncludeExisting, Note, Rate, Since, Stage, Until, Yes

if TYPE_CHECKING:
    from cli.adapters.ledger import Ledger
    from cli.adapters.settling import Settling

#: So many are taken off in one request.
GROUP = 50

FREED = "not blocked any more"
SHORTER = "blocked for less long, by what else is known"
UNCHANGED = "blocked as before, by what else is known"
NOT_BLOCKED = "were not blocked by it, and never will be"
ERASED = "erased people: nobody knows their addresses, so they stay"


@dataclass(frozen=True, slots=True)
class Affected:
    """Somebody whom the mistake concerns, the facts to disown, and how it will end."""

    known: Known
    keys: Sequence[str]
    until: date | None
    outcome: str


def undo(
    *,
    stage: Stage,
    batch: Annotated[
        str, typer.Option(help="What this batch decided; `why` tells it.", metavar="ID")
    ] = "",
    bulk_id: Annotated[
        str, typer.Option("--bulk-id", help="What events of this mailing led to.", metavar="ID")
    ] = "",
    since: Since = "",
    until: Until = "",
    note: Note = "",
    limit: Annotated[int, typer.Option(help="At most so many people in one run.", min=1)] = 1000,
    include_existing: IncludeExisting = False,
    rate: Rate = 5.0,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Take back what one mistake did: a batch, a mailing, or all that was decided in a time.

    Whoever is to be blocked for another reason stays blocked, for as long as that says. Reads the
    whole table. Stopped anywhere, the same command goes on.
    """
    now = time.time()
    if since:
        read_period(since, until, now=now)
    mistake = Mistake(
        batch,
        bulk_id,
        read_moment(since, now=now) if since else None,
        read_moment(until, now=now) if until else None,
        include_existing,
    )
    if mistake.is_nothing:
        raise WrongInputError("Which mistake?", "Say --batch ID, --bulk-id ID, or --since MOMENT.")
    ledger, settling = bootstrap.ledger(stage), bootstrap.settling(stage, requests_per_second=rate)
    found = list(itertools.islice(_search(ledger, settling, mistake), limit + 1))
    chosen, is_more = found[:limit], len(found) > limit
    if not any(each.outcome != ERASED for each in chosen):
        terminal.say("Nothing is left to undo.")
        _show(chosen)
        return
    _show(chosen)
    if is_more:
        terminal.say("       and more: run it again afterwards")
    if dry_run:
        terminal.say("Nothing was changed.")
        return
    people = [each for each in chosen if each.outcome != ERASED]
    terminal.ask(f"Undo this for {len(people):,} people?", yes=yes)
    _take_back(people, ledger, settling, by=bootstrap.caller().arn, note=note)
    terminal.say("Done.")
    if is_more:
        raise AttentionError(f"There are more than {limit:,}.", "Run the same again.")


def _search(ledger: "Ledger", settling: "Settling", mistake: Mistake) -> Iterator[Affected]:
    """Give whom it concerns, as long as something is left to do about them."""
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        for known in ledger.everybody(advance):
            facts = mistake.facts_of(known)
            affected = _affected(known, [event.fact.key for event in facts], settling)
            is_new = not {event.fact.key for event in facts} <= known.history.disowned
            if facts and (is_new or _is_half_done(affected, settling)):
                yield affected


def _affected(known: Known, keys: Sequence[str], settling: "Settling") -> Affected:
    history = known.history
    left = replace(history, disowned=history.disowned | set(keys))
    before, after = settling.until(history), settling.until(left)
    if not known.address:
        outcome = ERASED
    elif before is None and not settling.is_due(left):
        outcome = NOT_BLOCKED
    elif after is None:
        outcome = FREED
    else:
        outcome = UNCHANGED if after == before else SHORTER
    return Affected(known, keys, after, outcome)


def _is_half_done(affected: Affected, settling: "Settling") -> bool:
    """Tell whether an earlier run was stopped before it came to Tencent."""
    return affected.outcome != ERASED and settling.is_due(affected.known.history)


def _take_back(
    people: Sequence[Affected], ledger: "Ledger", settling: "Settling", *, by: str, note: str
) -> None:
    by_address = {each.known.address: each for each in people}
    with terminal.progress("Taking back", total=len(people)) as advance:
        for group in in_groups(list(by_address), GROUP):
            now = time.time()
            for address in group:
                ledger.disown(address, by_address[address].keys, at=now, by=by, note=note)
            due = [each for each in group if settling.is_due(ledger.look_up(each).history)]
            if due:
                settling.take_off(due, now=now)
            advance(len(group))


def _show(people: Sequence[Affected]) -> None:
    for outcome, number in Counter(each.outcome for each in people).most_common():
        terminal.say(f"{number:>6,}  {outcome}")
