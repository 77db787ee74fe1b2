"""`undo`: what one mistake did is taken back, and only that."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.adapters.settling import in_groups
from cli.errors import AttentionError, WrongInputError
from cli.logic.known import Event, Known
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
NOT_OURS = "on the list before the ledger was: left, without --include-existing"
#: Only noted, or taken back before: nobody needs to hear of it.
NOTHING_LEFT = "nothing left"
LEFT_ALONE = frozenset({ERASED, NOT_OURS, NOTHING_LEFT})


@dataclass(frozen=True, slots=True)
class Affected:
    """Somebody whom the mistake concerns, the facts to disown, and how it will end."""

    known: Known
    keys: Sequence[str]
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
    people, others, is_more = _concerned(ledger, settling, mistake, limit)
    if not people:
        _tell_nothing(others, mistake)
        return
    _show(Counter(each.outcome for each in people) + others)
    if is_more:
        terminal.say("       and more: run it again afterwards")
    if dry_run:
        terminal.say("Nothing was changed.")
        return
    terminal.ask(f"Undo this for {len(people):,} people?", yes=yes)
    _take_back(people, ledger, settling, by=bootstrap.caller().arn, note=note)
    terminal.say("Done.")
    if is_more:
        raise AttentionError(f"There are more than {limit:,}.", "Run the same again.")


def _concerned(
    ledger: "Ledger", settling: "Settling", mistake: Mistake, limit: int
) -> tuple[Sequence[Affected], Counter[str], bool]:
    """Give up to *limit* people to undo it for, how many it leaves, and whether there are more."""
    people: list[Affected] = []
    others: Counter[str] = Counter()
    for each in _search(ledger, settling, mistake):
        if each.outcome in LEFT_ALONE:
            others[each.outcome] += 1
        elif len(people) == limit:
            return people, others, True
        else:
            people.append(each)
    return people, others, False


def _search(ledger: "Ledger", settling: "Settling", mistake: Mistake) -> Iterator[Affected]:
    """Give everybody of whom the ledger has an event of the mistake."""
    with terminal.progress("Reading the ledger", total=ledger.size()) as advance:
        for known in ledger.everybody(advance):
            if events := mistake.events_of(known):
                keys = [event.fact.key for event in events if mistake.takes_back(event)]
                yield Affected(known, keys, _outcome(known, events, keys, settling))


def _outcome(
    known: Known, events: Sequence[Event], keys: Sequence[str], settling: "Settling"
) -> str:
    history = known.history
    if not keys:
        counts = {event.fact.key for event in events} & {e.fact.key for e in known.counting}
        return NOT_OURS if counts else NOTHING_LEFT
    is_new = not set(keys) <= history.disowned
    if not known.address:
        return ERASED if is_new else NOTHING_LEFT
    left = replace(history, disowned=history.disowned | set(keys))
    if not is_new and not settling.is_due(history):  # else a run was stopped before Tencent heard
        return NOTHING_LEFT
    before, after = settling.until(history), settling.until(left)
    if before is None and not settling.is_due(left):
        return NOT_BLOCKED
    if after is None:
        return FREED
    return UNCHANGED if after == before else SHORTER


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


def _tell_nothing(others: Counter[str], mistake: Mistake) -> None:
    if not others and mistake.is_named:
        in_that_time = "" if mistake.is_ever else " in that time"
        raise WrongInputError(
            f"No event in the ledger is of that batch or mailing{in_that_time}.",
            "`ses-blocklist why ADDRESS` tells both of each event.",
        )
    terminal.say("Nothing is left to undo.")
    _show(others)


def _show(outcomes: Counter[str]) -> None:
    for outcome, number in outcomes.most_common():
        if outcome != NOTHING_LEFT:
            terminal.say(f"{number:>6,}  {outcome}")
