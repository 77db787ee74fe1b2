"""`doctor`: is everything as it must be, and how is it mended where it is not."""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated

import typer

from cli import bootstrap, terminal
from cli.commands.status import last_callback
from cli.errors import AttentionError, CliError, MendFirstError
from cli.logic import checks
from cli.logic.checks import Finding, State, Wiring, ok
from cli.logic.measures import ours
from cli.logic.stages import ago
from cli.logic.times import day_in_shanghai
from cli.options import AsJson, Stage

#: Nobody's, for ever: https://www.rfc-editor.org/rfc/rfc2606
RESERVED = "ses-blocklist-doctor@example.com"
OLD_CALLBACK_SECONDS = 86_400
STAGE_KEY, OWN_KEY = "Tencent's key of the stage", "your own Tencent key"
USE_OWN_KEY = (
    "It should not be. Where you need that, set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY "
    "to a key of your own."
)
#: Up to 20 minutes pass between two tries.
RECENT_SECONDS = 1800
_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAULT: "bold red"}


def doctor(
    *,
    stage: Stage,
    live: Annotated[
        bool,
        typer.Option("--live", help=f"Also block {RESERVED}, look it up, and take it off again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Look at credentials, settings, the trigger and the callback address of STAGE.

    Each finding says how it is mended. Ends with 1 when there is a fault.
    """
    findings = _examine(stage, live=live)
    if as_json:
        terminal.write_json([_as_json(finding) for finding in findings])
    else:
        for finding in findings:
            terminal.say(
                f"{finding.state:<8} {finding.name}: {finding.told}", style=_STYLES[finding.state]
            )
            if finding.mend:
                terminal.say(f"{'':<8} {finding.mend}")
    faults = sum(finding.state is State.FAULT for finding in findings)
    if faults:
        raise AttentionError(f"{faults} to mend.")


def _examine(stage: str, *, live: bool) -> list[Finding]:
    steps: list[tuple[str, Callable[[], Sequence[Finding]]]] = [
        ("AWS credentials", _check_aws),
        ("stack", lambda: _check_stack(stage)),
    ]
    findings = [finding for step in steps for finding in _tried(*step)]
    if any(finding.state is State.FAULT for finding in findings):
        return findings  # everything else asks the stack first
    steps = [
        (STAGE_KEY, lambda: _check_stage_key(stage)),
        (OWN_KEY, lambda: _check_own_key(stage)),
        ("queues and trigger", lambda: _check_wiring(stage)),
        ("policy", lambda: _check_policy(stage)),
        ("configuration errors", lambda: _check_errors(stage)),
        ("blocking", lambda: _check_blocking(stage)),
        ("callback address", lambda: _check_door(stage)),
        ("callbacks", _check_callbacks),
        ("dead letters", lambda: _check_dead_letters(stage)),
        ("ledger", lambda: _check_ledger(stage)),
    ]
    if live:
        steps.append(("live", lambda: _check_live(stage)))
    return findings + [finding for step in steps for finding in _tried(*step)]


def _tried(name: str, check: Callable[[], Sequence[Finding]]) -> Sequence[Finding]:
    """Let one thing that cannot be looked at hide none of the others."""
    try:
        return check()
    except CliError as error:
        return [Finding(name, State.FAULT, error.problem.rstrip("."), error.advice)]


def _check_aws() -> Sequence[Finding]:
    caller = bootstrap.caller()
    told = f"{caller.arn} in {bootstrap.aws().region}"
    findings = [ok("AWS credentials", told)]
    if caller.aws_time is not None:
        findings.append(checks.check_clock(time.time(), caller.aws_time))
    return findings


def _check_stack(stage: str) -> Sequence[Finding]:
    status = bootstrap.stack(stage).status
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status:
        return [ok("stack", status)]
    return [
        Finding(
            "stack",
            State.WARNING,
            f"{status}: the last deployment did not go through",
            f"See CloudFormation's events, then: make deploy STAGE={stage}",
        )
    ]


def _check_stage_key(stage: str) -> Sequence[Finding]:
    lists = bootstrap.tencent_of_stage(stage)
    lists.check_may_block()
    return [ok(STAGE_KEY, f"may block, {lists.account.partition(' ')[2]}")]


def _check_own_key(stage: str) -> Sequence[Finding]:
    """See which commands work with the key that commands use: not all need to."""
    lists = bootstrap.tencent(stage, requests_per_second=5)
    is_own = bootstrap.has_own_key()
    whose = OWN_KEY if is_own else STAGE_KEY
    findings = []
    for what, look in (
        ("audit and rescue", lists.check_may_read_bounced),
        ("doctor --live", lists.check_may_read_blocked),
    ):
        try:
            look()
            findings.append(ok(whose, f"may read, for {what}"))
        except CliError as error:
            told = f"not enough for {what}: {error.problem.rstrip('.')}"
            mend = error.advice if is_own or not isinstance(error, MendFirstError) else USE_OWN_KEY
            findings.append(Finding(whose, State.WARNING, told, mend))
    return findings


def _check_wiring(stage: str) -> Sequence[Finding]:
    trigger = bootstrap.switch(stage).read()
    environment = bootstrap.consumer_environment(stage)
    wiring = Wiring(
        queue=bootstrap.source_queue(stage).attributes(),
        dead_letter_queue=bootstrap.dead_letter_queue(stage).attributes(),
        timeout_seconds=bootstrap.consumer(stage).timeout_seconds,
        window_seconds=trigger.window_seconds,
        max_concurrency=trigger.max_concurrency,
        reports_item_failures=trigger.reports_item_failures,
        requests_per_second=float(environment.get("API_REQUESTS_PER_SECOND") or 5),
    )
    return checks.check_wiring(wiring, stage=stage)


def _check_policy(stage: str) -> Sequence[Finding]:
    """Load it as the consumer does, which decides about nobody when it cannot."""
    try:
        bootstrap.terms(stage)
    except MendFirstError as error:
        here = f"{error.advice} If this is the one, the functions cannot read it either."
        mend = f"{here} {checks.put_back(stage)}"
        return [Finding("policy", State.FAULT, error.problem.rstrip("."), mend)]
    return [ok("policy", f"{bootstrap.policy_file(stage)} can be read")]


def _check_errors(stage: str) -> Sequence[Finding]:
    """Hear of what only the consumer meets, such as code that was changed by hand."""
    name, now = "configuration errors", time.time()
    since = now - RECENT_SECONDS
    metric = ours("block_recipients", "ConfigurationErrors")
    points = bootstrap.metrics().points([metric], since=since, until=now, period_seconds=60)
    number = round(sum(points[metric].values()))
    if not number:
        return [ok(name, "none in the last half hour")]
    return [
        Finding(
            name,
            State.WARNING,
            f"{number} in the last half hour, of all stages in this account and region",
            f"Over if it was mended since. Else its reason is in the log of {stage}'s "
            "blockRecipients: docs/operations.md, Nothing works until a setting is mended",
        )
    ]


def _check_blocking(stage: str) -> Sequence[Finding]:
    trigger = bootstrap.switch(stage).read()
    if not trigger.is_on:
        resume = f"ses-blocklist resume --stage {stage}"
        return [Finding("blocking", State.FAULT, "paused: nobody is blocked", resume)]
    if trigger.last_result.startswith("PROBLEM"):
        mend = f"Its role, or the queue's policy or key. {checks.put_back(stage)}"
        return [Finding("blocking", State.FAULT, trigger.last_result, mend)]
    if bootstrap.is_dry_run(stage):
        go_live = (
            f'Go live when the counts look right: make deploy STAGE={stage} PARAMS="dryRun=false"'
        )
        told = "a dry run: it decides and counts, and blocks nobody"
        return [Finding("blocking", State.WARNING, told, go_live)]
    return [ok("blocking", "the trigger is on, and it is no dry run")]


def _check_door(stage: str) -> Sequence[Finding]:
    right = bootstrap.callback_url(stage)
    wrong = right.rpartition("/")[0] + "/" + secrets.token_hex(16)
    ask = bootstrap.door()
    return [checks.check_door(ask(right), ask(wrong), stage=stage)]


def _check_callbacks() -> Sequence[Finding]:
    now = time.time()
    last = last_callback(now)
    advice = (
        "Is the address in Tencent's console, for this sender? Was mail sent at all? Print it: "
        "ses-blocklist callback-url"
    )
    if last is None:
        return [Finding("callbacks", State.WARNING, "none came in 30 days", advice)]
    told = f"the last came {ago(now - last)} ago"
    if now - last > OLD_CALLBACK_SECONDS:
        return [Finding("callbacks", State.WARNING, told, advice)]
    return [ok("callbacks", told)]


def _check_dead_letters(stage: str) -> Sequence[Finding]:
    number = int(bootstrap.dead_letter_queue(stage).attributes()["ApproximateNumberOfMessages"])
    if not number:
        return [ok("dead letters", "none")]
    advice = f"ses-blocklist dead-letters list --stage {stage}"
    return [Finding("dead letters", State.WARNING, f"{number:,} wait for a person", advice)]


def _check_ledger(stage: str) -> Sequence[Finding]:
    ledger = bootstrap.ledger_if_any(stage)
    if ledger is None:
        told = "none: no strike is counted, nobody can be told why, and no unblock holds"
        on = f'make deploy STAGE={stage} PARAMS="ledger=on"'
        return [Finding("ledger", State.WARNING, told, on)]
    ledger.look_up(RESERVED)  # takes the key, which nothing else here needs
    if "finished_at" in ledger.adoption():
        return [ok("ledger", "it may be read, and knows what was on Tencent's list before it")]
    told = "what was on Tencent's list before it is not known to it"
    return [Finding("ledger", State.WARNING, told, f"ses-blocklist adopt --stage {stage}")]


def _check_live(stage: str) -> Sequence[Finding]:
    """Block nobody's address until tomorrow, look it up, and take it off whatever happens."""
    lists = bootstrap.tencent(stage, requests_per_second=5)
    tomorrow = day_in_shanghai(time.time()) + timedelta(days=1)
    lists.block([RESERVED], until=tomorrow)
    findings = [ok("live", f"{RESERVED} was put on the list")]
    try:
        if lists.is_blocked(RESERVED):
            findings.append(ok("live", "it is found there"))
        else:
            told = "it is not found there, although Tencent took it"
            again = "Run it again in a minute: Tencent does not say how soon an entry shows."
            findings.append(Finding("live", State.WARNING, told, again))
    finally:
        lists.unblock([RESERVED])
    return [*findings, ok("live", "it was taken off again")]


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "state": finding.state.value,
        "told": finding.told,
        "mend": finding.mend,
    }
