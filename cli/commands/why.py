"""`why` and `erase`: what is known of one person, and how it is forgotten."""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import bootstrap, terminal
from cli.errors import CliError, WrongInputError
from cli.logic.audits import Bounced, newest
from cli.logic.entries import Blocked
from cli.logic.known import (
    DRY_RUN,
    EXISTING,
    HELD,
    Event,
    Known,
    Outcome,
    TakenBack,
    told_until,
)
from cli.logic.rules import shown_rule
from cli.logic.times import day_in_shanghai, to_the_minute
from cli.options import AsJson, DryRun, Rate, Stage, Yes
from functions.blocklist.domain.addresses import normalise

if TYPE_CHECKING:
    from functions.blocklist.domain.terms import Terms

#: What was decided and not done.
_NOT_DONE = {
    DRY_RUN: "a dry run, else blocked",
    HELD: "held by the brake, else blocked",
}

Address = Annotated[str, typer.Argument(help="Whom it is about.", metavar="ADDRESS")]


@dataclass(frozen=True, slots=True)
class AtTencent:
    """What Tencent's two lists say now; *problem* where they cannot be read."""

    custom: Blocked | None = None
    own: Bounced | None = None
    problem: str = ""


def why(
    address: Address,
    *,
    stage: Stage,
    days: Annotated[
        int, typer.Option(help="How far back to look on Tencent's own list.", min=1, max=366)
    ] = 90,
    rate: Rate = 5.0,
    as_json: AsJson = False,
) -> None:
    """Tell all that is known of ADDRESS: what was decided, by which rule, and how to undo it."""
    wanted = normalised(address)
    known = bootstrap.ledger(stage).look_up(wanted)
    terms = bootstrap.terms(stage)
    there = _at_tencent(stage, wanted, days=days, rate=rate)
    if as_json:
        terminal.write_json(_as_json(known, terms, there))
        return
    terminal.say(f"{wanted}: {_summary(known, terms)}, as stage {stage} knows it", style="bold")
    for line in _lines(known):
        terminal.say(line)
    terminal.say("\nAt Tencent now")
    for line in _lines_of_tencent(there, days):
        terminal.say(f"  {line}")
    if advice := _advice(known, terms, there, stage):
        terminal.say(f"\n{advice}")


def erase(address: Address, *, stage: Stage, dry_run: DryRun = False, yes: Yes = False) -> None:
    """
    Forget whose ADDRESS is in the ledger. What blocks it stays, under a hash that tells nobody.

    It is not unblocked by that: use unblock first, if mail may be sent again.
    """
    wanted = normalised(address)
    ledger = bootstrap.ledger(stage)
    if not ledger.look_up(wanted).is_anything:
        terminal.say(f"Stage {stage} knows nothing of {wanted}.")
        return
    if dry_run:
        terminal.say(f"What stage {stage} knows of {wanted} would be erased.")
        return
    terminal.ask(f"Erase for good what stage {stage} knows of {wanted}?", yes=yes)
    ledger.erase(wanted)
    terminal.say(
        "Erased. What blocks stays, under a hash. docs/privacy.md says what else has the address."
    )


def normalised(address: str) -> str:
    """
    Give the form of *address* under which it is known.

    Raises:
        WrongInputError: it is none.
    """
    found = normalise(address)
    if not found:
        raise WrongInputError(f"{address}: not an address.")
    return found


def _summary(known: Known, terms: "Terms") -> str:
    until = known.history.blocked_until(terms)
    if until is None:
        return "not blocked"
    if known.is_asked_for:
        return f"blocked {told_until(until)}"
    return f"not blocked, though its events would block it {told_until(until)}"


def _at_tencent(stage: str, address: str, *, days: int, rate: float) -> AtTencent:
    today = day_in_shanghai(time.time())
    try:
        lists = bootstrap.tencent(stage, requests_per_second=rate)
        custom = lists.blocked(address=address).rows
        own = newest(lists.bounced(today - timedelta(days=days), today, address=address))
    except CliError as error:
        return AtTencent(problem=f"{error.problem} {error.advice}".strip())
    return AtTencent(custom[0] if custom else None, own[0] if own else None)


def _lines(known: Known) -> Iterator[str]:
    yield "\nEvents" if known.events else "\nNo event is known."
    for event in known.events:
        yield from _lines_of_event(event, known.standing(event))
    if known.outcomes:
        yield "\nWhat was done"
        yield from map(_line_of_outcome, known.outcomes)
    if known.taken_back:
        yield "\nWhat was taken back"
        yield from map(_line_of_taken_back, known.taken_back)


def _lines_of_event(event: Event, standing: str) -> Iterator[str]:
    fact, told = event.fact, event.details
    kind = (
        "on the list before the ledger" if event.origin == EXISTING else told.get("kind", "erased")
    )
    days = f" for {fact.days} days" if fact.days else ""
    until = f" until {fact.until}" if fact.until else ""
    yield f"  {to_the_minute(fact.at)}  {kind}: {fact.action.value}{days}{until} ({standing})"
    if rule := told.get("rule"):
        yield f"    rule     {rule}, of {told.get('policy', '?')}"
    if reason := told.get("reason"):
        by = told.get("reply_rule", "")
        yield f"    reason   {reason}" + (f", as {shown_rule(by)}" if by else "")
    if reply := told.get("reply"):
        yield f"    reply    {reply}"
    mail = ", ".join(
        f"{name} {told[key]}"
        for name, key in (("from", "sender"), ("template", "template_id"), ("mailing", "mail"))
        if told.get(key)
    )
    if mail:
        yield f"    mail     {mail}"
    if note := told.get("note"):
        yield f"    note     {note}"
    if batch := told.get("batch"):
        yield f"    batch    {batch}"


def _line_of_outcome(outcome: Outcome) -> str:
    until = f" {told_until(outcome.until)}" if outcome.until else ""
    request = f", request {outcome.request_id}" if outcome.request_id else ""
    what = _NOT_DONE.get(outcome.outcome, outcome.outcome)
    return f"  {to_the_minute(outcome.at)}  {what}{until}{request}, batch {outcome.batch}"


def _line_of_taken_back(each: TakenBack) -> str:
    what = "all before it" if each.is_everything else "a mistake"
    note = f" ({each.note})" if each.note else ""
    return f"  {to_the_minute(each.at)}  {what}, by {each.by}{note}"


def _lines_of_tencent(there: AtTencent, days: int) -> Iterator[str]:
    if there.problem:
        yield f"not known: {there.problem}"
        return
    custom, own = there.custom, there.own
    until = f"until {custom.until}" if custom and custom.until else "for good"
    yield "custom list      " + (
        f"on it since {custom.created_at}, {until}" if custom else "not on it"
    )
    yield "Tencent's list   " + (
        f"on it since {own.bounced_at}" if own else f"not on it in the last {days} days"
    )


def _advice(known: Known, terms: "Terms", there: AtTencent, stage: str) -> str:
    until = known.history.blocked_until(terms)
    address = known.address
    if not (until or there.custom or there.own):
        held = [event for event in known.events if known.standing(event) == HELD]
        return _advice_on_held(held[-1], stage) if held else ""
    existing = known.blocked_by(EXISTING, terms) or (there.custom and not until)
    more = " --include-existing" if existing else ""
    is_on_a_list = known.is_asked_for or there.custom or there.own
    lead = "To undo" if is_on_a_list else "To keep it so"
    return f"{lead}: ses-blocklist unblock {address}{more} --stage {stage}"


def _advice_on_held(event: Event, stage: str) -> str:
    mailing = event.fact.mail
    if not mailing or mailing == event.details.get("message_id"):
        return f"What is held waits: ses-blocklist dead-letters show --code Held --stage {stage}"
    return (
        "To let through what is held of that mailing, while it waits: "
        f"ses-blocklist dead-letters release --bulk-id {shlex.quote(mailing)} --stage {stage}"
    )


def _as_json(known: Known, terms: "Terms", there: AtTencent) -> dict[str, Any]:
    history = known.history
    until = history.blocked_until(terms)
    return {
        "address": known.address,
        "blocked": until is not None and known.is_asked_for,
        "until": told_until(until),
        "applied": told_until(history.applied),
        "events": [event_as_json(event, known) for event in known.events],
        "outcomes": [
            {
                "batch": outcome.batch,
                "at": outcome.at,
                "outcome": outcome.outcome,
                "until": told_until(outcome.until) if outcome.until else None,
                "policy": outcome.policy,
                "request_id": outcome.request_id or None,
            }
            for outcome in known.outcomes
        ],
        "taken_back": [
            {"at": each.at, "by": each.by, "note": each.note, "everything": each.is_everything}
            for each in known.taken_back
        ],
        "custom_list": {"since": there.custom.created_at, "until": there.custom.until or None}
        if there.custom
        else None,
        "tencents_list": {"since": there.own.bounced_at} if there.own else None,
        "problem": there.problem or None,
    }


def event_as_json(event: Event, known: Known) -> dict[str, Any]:
    """Give one event for programs."""
    fact = event.fact
    return {
        "key": fact.key,
        "at": fact.at,
        "action": fact.action.value,
        "days": fact.days or None,
        "until": fact.until.isoformat() if fact.until else None,
        "standing": known.standing(event),
        **dict(event.details),
    }
