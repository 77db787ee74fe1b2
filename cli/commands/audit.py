"""`audit` and `rescue`: who is on Tencent's own list and should not be, and how they get off."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import bootstrap, terminal
from cli.adapters.journals import Journal, beside
from cli.errors import AttentionError, WrongInputError
from cli.logic import audits
from cli.logic.audits import Bounced, Finding, Life
from cli.logic.times import day_in_shanghai
from cli.options import AsJson, DryRun, OptionalStage, Rate, Yes
from functions.blocklist.domain.addresses import normalise

if TYPE_CHECKING:
    from cli.adapters.judging import Judge
    from cli.adapters.tencent import TencentLists

DEFAULT_FILE = Path("ses-blocklist-audit.csv")
#: So many are taken off in one request, and forgotten when a run is stopped in between.
GROUP = 10


def audit(
    *,
    days: Annotated[int, typer.Option(help="How far back.", min=1, max=366)] = 30,
    to: Annotated[
        Path, typer.Option(help="Where to write who was found.", metavar="FILE")
    ] = DEFAULT_FILE,
    stage: OptionalStage = None,
    rate: Rate = 5.0,
    as_json: AsJson = False,
) -> None:
    """
    Find out who on Tencent's own list is probably alive.

    Needs a key that may ListBlackEmailAddress, and nothing deployed. Changes nothing.
    """
    if to.exists():
        raise WrongInputError(
            f"{to} is there already, and may hold what you changed by hand.",
            "Name another file with --to, or remove it first.",
        )
    today = day_in_shanghai(time.time())
    wanted = [today - timedelta(days=ago) for ago in reversed(range(days))]
    lists = bootstrap.tencent(stage, requests_per_second=rate)
    part = Journal(beside(to, ".part"))
    pages = _read_days(lists, wanted, part, today=today)
    judge = bootstrap.judge()
    findings = [audits.judge(each, judge.read(each.text)) for each in audits.newest(pages)]
    _write(to, findings)
    part.forget()
    _show(audits.sum_up(findings), wanted[0], today, to, as_json=as_json)


def rescue(
    *,
    source: Annotated[
        Path, typer.Option("--from", help="The file that audit wrote.", metavar="FILE")
    ] = DEFAULT_FILE,
    limit: Annotated[int, typer.Option(help="At most so many people in one run.", min=1)] = 100,
    stage: OptionalStage = None,
    rate: Rate = 5.0,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Take people who are probably alive off Tencent's own list.

    Whoever has `alive` in the file's column `life`, unless they bounced again since for another
    reason. Run it again for the next ones; FILE.rescued remembers who was done.
    """
    done = Journal(beside(source, ".rescued"))
    left = _left_to_rescue(source, done)
    chosen = left[:limit]
    if not chosen:
        terminal.say("Nobody is left to rescue.")
        return
    if dry_run:
        terminal.say(f"{len(chosen):,} of {len(left):,} would be taken off Tencent's own list.")
        return
    question = f"Take {len(chosen):,} of {len(left):,} people off Tencent's own list?"
    terminal.ask(question, yes=yes)
    outcomes = _rescue(chosen, done, stage=stage, rate=rate)
    for outcome, number in outcomes.most_common():
        terminal.say(f"{number:>6,}  {outcome}")
    if len(left) > len(chosen):
        terminal.say(f"{len(left) - len(chosen):>6,}  left: run it again")
    if outcomes[REFUSED]:
        raise AttentionError(
            f"Tencent refuses to take {outcomes[REFUSED]} off.",
            f"{done.path} names them; Tencent's support can tell why.",
        )


RESCUED = "taken off the list"
NOT_LISTED = "not on the list any more"
BLOCKED_BY_US = "blocked by the stage for a reason of its own: left on it"
BOUNCED_AGAIN = "bounced again since, and not as somebody who is alive: left on it"
REFUSED = "refused by Tencent"


def _read_days(
    lists: "TencentLists", wanted: Sequence[date], part: Journal, *, today: date
) -> list[list[Bounced]]:
    """Read day by day: a day that is over never changes, and is not read twice."""
    account = hashlib.sha256(lists.account.encode()).hexdigest()[:16]
    known = {
        entry["day"]: entry["rows"]
        for entry in part.read()
        if entry["account"] == account and entry["day"] < entry["read_on"]
    }
    pages = []
    with terminal.progress("Reading Tencent's list, days", total=len(wanted)) as advance:
        for day in wanted:
            rows = known.get(day.isoformat())
            if rows is None:
                read = [bounced for page in lists.bounced(day, day) for bounced in page]
                rows = [(each.address, each.bounced_at, each.text) for each in read]
                part.add(
                    {
                        "account": account,
                        "day": day.isoformat(),
                        "read_on": today.isoformat(),
                        "rows": rows,
                    }
                )
            pages.append([Bounced(*row) for row in rows])
            advance(1)
    return pages


def _write(path: Path, findings: Sequence[Finding]) -> None:
    """Write for its owner alone: it is a list of people."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        audits.write_findings(file, findings)


def _show(summary: audits.Audit, first: date, last: date, file: Path, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(_as_json(summary, first, last, file))
        return
    terminal.say(
        f"On Tencent's own list since {first}: {summary.lives.total():,} addresses", style="bold"
    )
    if not summary.lives.total():
        terminal.say(f"{file} has nobody to rescue: you can remove it.")
        return
    terminal.say()
    rows = [
        (name, *(counts[life] for life in Life)) for name, counts in summary.by_provider.items()
    ]
    terminal.show_table(
        ("mailbox provider", "dead", "probably alive", "unknown"),
        [*rows, ("all", *(summary.lives[life] for life in Life))],
        numbers=("dead", "probably alive", "unknown"),
    )
    if summary.reasons_alive:
        reasons = ", ".join(f"{name} {n:,}" for name, n in summary.reasons_alive.most_common())
        terminal.say(f"\nProbably alive, by what was said: {reasons}")
    if summary.unknown_texts:
        terminal.say("\nThe commonest texts that tell nothing:")
        for text, number in summary.unknown_texts:
            terminal.say(f"{number:>6,}  {text}")
    terminal.say(f"\nWritten to {file}. Read it, then: ses-blocklist rescue --from {file}")


def _as_json(summary: audits.Audit, first: date, last: date, file: Path) -> dict[str, Any]:
    return {
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "addresses": summary.lives.total(),
        "lives": {life.value: summary.lives[life] for life in Life},
        "by_provider": {
            name: {life.value: counts[life] for life in Life}
            for name, counts in summary.by_provider.items()
        },
        "reasons_alive": dict(summary.reasons_alive.most_common()),
        "unknown_texts": [{"text": text, "count": n} for text, n in summary.unknown_texts],
        "file": str(file),
    }


def _left_to_rescue(source: Path, done: Journal) -> list[Finding]:
    settled = {entry["address"] for entry in done.read()}
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            findings = list(audits.read_findings(file, origin=str(source)))
    except OSError as error:
        raise WrongInputError(
            f"{source} cannot be read: {error.strerror}.",
            "Write it with: ses-blocklist audit --to FILE",
        ) from None
    return [each for each in findings if each.life == Life.ALIVE and each.address not in settled]


def _rescue(
    chosen: Sequence[Finding], done: Journal, *, stage: str | None, rate: float
) -> Counter[str]:
    lists = bootstrap.tencent(stage, requests_per_second=rate)
    judge, marks = bootstrap.judge(), _marks(stage)
    outcomes: Counter[str] = Counter()
    with terminal.progress("Taking people off", total=len(chosen)) as advance:
        for start in range(0, len(chosen), GROUP):
            group = chosen[start : start + GROUP]
            settled = {each.address: _look_again(each, lists, judge) for each in group}
            settled |= {
                address: marks(address)
                for address, outcome in settled.items()
                if outcome == RESCUED
            }
            to_go = [address for address, outcome in settled.items() if outcome == RESCUED]
            if to_go:
                refused = lists.forget_bounces(to_go)
                settled |= dict.fromkeys(refused, REFUSED)
            for address, outcome in settled.items():
                done.add({"address": address, "outcome": outcome})
            outcomes.update(settled.values())
            advance(len(group))
    return outcomes


def _marks(stage: str | None) -> Callable[[str], str]:
    """
    Give what marks somebody in the ledger of *stage*, before they are taken off Tencent's list.

    What happened until now then never blocks them, however late it comes. Whom the stage blocks for
    a reason of its own, as somebody who complained, stays: `unblock` frees both.
    """
    ledger = bootstrap.ledger_if_any(stage) if stage else None
    if ledger is None or stage is None:
        return lambda _: RESCUED
    terms, by, at = bootstrap.terms(stage), bootstrap.caller().arn, time.time()

    def mark(address: str) -> str:
        known = normalise(address) or address
        if ledger.look_up(known).history.blocked_until(terms):
            return BLOCKED_BY_US
        ledger.unblock(known, at=at, by=by, note="rescue")
        return RESCUED

    return mark


def _look_again(finding: Finding, lists: "TencentLists", judge: "Judge") -> str:
    """See what is known of somebody now: the file may be weeks old."""
    today = day_in_shanghai(time.time())
    pages = lists.bounced(finding.day, today, address=finding.address)
    entries = audits.newest(pages)
    if not entries:
        return NOT_LISTED
    [entry] = entries
    if entry.bounced_at == finding.bounced_at:
        return RESCUED
    again = audits.judge(entry, judge.read(entry.text))
    return RESCUED if again.life == Life.ALIVE else BOUNCED_AGAIN
