"""`unblock`: a person is freed for good, in the ledger first and on both lists after that."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.adapters.journals import Journal, beside
from cli.adapters.settling import in_groups
from cli.commands.why import normalised
from cli.errors import AttentionError, WrongInputError
from cli.logic.known import BLOCKED, EXISTING, Known
from cli.options import DryRun, IncludeExisting, Note, Rate, Stage, Yes
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.services.ports import Change

if TYPE_CHECKING:
    from cli.adapters.ledger import Ledger
    from cli.adapters.settling import Settling
    from cli.adapters.tencent import TencentLists

#: So many are freed together, and looked at twice when a run is stopped in between.
GROUP = 10

FREED = "unblocked"
STRANGER = "unblocked, though neither ledger nor list knew them: is the address right?"
STILL = "blocked again by something that happened since: left blocked"
NOT_OURS = "on the list before the ledger was: left, without --include-existing"
REFUSED = "unblocked, but Tencent refuses to take them off its own list"


def unblock(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="Whom to free.", metavar="ADDRESS...")
    ] = None,
    *,
    stage: Stage,
    file: Annotated[
        Path | None, typer.Option(help="One address a line, or the first column.", metavar="FILE")
    ] = None,
    note: Note = "",
    limit: Annotated[int, typer.Option(help="At most so many people in one run.", min=1)] = 100,
    include_existing: IncludeExisting = False,
    rate: Rate = 5.0,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Free people for good: what happened until now never blocks them again, however late it comes.

    They are taken off both of Tencent's lists. FILE.unblocked remembers who was done.
    """
    if bool(addresses) == bool(file):
        raise WrongInputError("Give either addresses or --file FILE.")
    wanted = _read(file) if file else list(dict.fromkeys(map(normalised, addresses or ())))
    done = Journal(beside(file, ".unblocked")) if file else None
    at, settled = _progress(done, stage)
    left = [address for address in wanted if address not in settled]
    chosen = left[:limit]
    if not chosen:
        terminal.say("Nobody is left to unblock.")
        return
    if dry_run:
        terminal.say(f"{len(chosen):,} of {len(left):,} would be unblocked.")
        return
    terminal.ask(f"Unblock {len(chosen):,} of {len(left):,} people?", yes=yes)
    run = Unblocking(stage, at=at, note=note, include_existing=include_existing, rate=rate)
    outcomes: Counter[str] = Counter()
    with terminal.progress("Unblocking", total=len(chosen)) as advance:
        for group in in_groups(chosen, GROUP):
            told = run.free(group)
            if done:
                for address, outcome in told.items():
                    done.add({"stage": stage, "at": at, "address": address, "outcome": outcome})
            outcomes.update(told.values())
            advance(len(group))
    _tell(outcomes, len(left) - len(chosen))


class Unblocking:
    """One run: everybody by the same moment *at* and the same person, with the same *note*."""

    def __init__(
        self, stage: str, *, at: float, note: str, include_existing: bool, rate: float
    ) -> None:
        self._ledger: Ledger = bootstrap.ledger(stage)
        self._settling: Settling = bootstrap.settling(stage, requests_per_second=rate)
        self._lists: TencentLists = bootstrap.tencent(stage, requests_per_second=rate)
        self._by = bootstrap.caller().arn
        self._at = at
        self._note = note
        self._include_existing = include_existing

    def free(self, group: Sequence[str]) -> Mapping[str, str]:
        """Free everybody of *group*; give what became of each."""
        outcomes = {address: self._mark(address) for address in group}
        free = [address for address, outcome in outcomes.items() if outcome in {FREED, STRANGER}]
        if free:
            ended = self._settling.take_off(free, now=time.time())
            outcomes |= {address: STILL for address, until in ended.items() if until}
            free = [address for address, until in ended.items() if not until]
            outcomes |= dict.fromkeys(self._lists.forget_bounces(free) if free else (), REFUSED)
        return outcomes

    def _mark(self, address: str) -> str:
        """Take back what happened, before anything is taken off: it may be on its way again."""
        before = self._ledger.look_up(address)
        if not self._include_existing and self._is_not_ours(before):
            return NOT_OURS
        self._ledger.unblock(address, at=self._at, by=self._by, note=self._note)
        after = self._ledger.look_up(address).history
        if not self._settling.until(after):
            # Tencent was asked about a stranger, unless what others put there is meant too.
            return FREED if before.is_anything or self._include_existing else STRANGER
        seen = before.history
        self._ledger.change({address: Change(after, applied=seen.applied, asked=seen.asked)})
        return STILL

    def _is_not_ours(self, known: Known) -> bool:
        """Tell whether somebody else put the address on the list, as far as can be known."""
        until = self._settling.until(known.history)
        if until:
            return any(event.origin == EXISTING for event in known.counting)
        was_ours = known.history.unblocked or any(
            outcome.outcome == BLOCKED for outcome in known.outcomes
        )
        return not was_ours and self._lists.is_blocked(known.address)


def _progress(done: Journal | None, stage: str) -> tuple[float, frozenset[str]]:
    """Give the moment of the run that is gone on with, and who is done."""
    entries = [entry for entry in (done.read() if done else ()) if entry["stage"] == stage]
    settled = frozenset(entry["address"] for entry in entries if entry["outcome"] != NOT_OURS)
    return (entries[0]["at"] if entries else time.time()), settled


def _read(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongInputError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise WrongInputError(f"{file} is no text in UTF-8.") from None
    return list(dict.fromkeys(_addresses(text, origin=str(file))))


def _addresses(text: str, *, origin: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        cell = line.replace(";", ",").replace("\t", ",").partition(",")[0].strip().strip('"')
        address = normalise(cell)
        if address:
            yield address
        elif cell and number > 1:  # the first line may be a header
            raise WrongInputError(f"{origin}, line {number}: not an address.", "Nobody was freed.")


def _tell(outcomes: Counter[str], left: int) -> None:
    for outcome, number in outcomes.most_common():
        terminal.say(f"{number:>6,}  {outcome}")
    if left:
        terminal.say(f"{left:>6,}  left: run it again")
    if outcomes.total() > outcomes[FREED] + outcomes[STRANGER]:
        raise AttentionError(
            "Not everybody was freed.", "ses-blocklist why ADDRESS tells what is known of one."
        )
