"""`pause` and `resume`: nobody is blocked any more, and nothing is lost meanwhile."""

import time

from cli import bootstrap, terminal
from cli.logic.times import to_the_minute
from cli.options import DryRun, Stage

DAY_SECONDS = 86_400


def pause(*, stage: Stage, dry_run: DryRun = False) -> None:
    """
    Stop blocking at once. Callbacks are still taken; their events wait on the queue.

    A batch that is under way is finished.
    """
    switch = bootstrap.switch(stage)
    if not switch.read().is_on:
        terminal.say(f"Stage {stage} is paused already.")
    elif dry_run:
        terminal.say(f"Stage {stage} would be paused.")
    else:
        switch.turn(on=False)
        terminal.say(f"Stage {stage} is paused: nobody is blocked.", style="bold")
    terminal.say(_what_waits(stage))
    terminal.say(f"To go on: ses-blocklist resume --stage {stage}")


def resume(*, stage: Stage, dry_run: DryRun = False) -> None:
    """Go on blocking, beginning with what waits."""
    switch = bootstrap.switch(stage)
    terminal.say(_what_waits(stage))
    if switch.read().is_on:
        terminal.say(f"Stage {stage} is not paused.")
    elif dry_run:
        terminal.say(f"Stage {stage} would go on.")
    else:
        switch.turn(on=True)
        terminal.say(f"Stage {stage} goes on.", style="bold")


def _what_waits(stage: str) -> str:
    """Say how much waits, and until when it must be gone on with."""
    queue = bootstrap.source_queue(stage).attributes()
    waiting = int(queue["ApproximateNumberOfMessages"])
    in_work = int(queue["ApproximateNumberOfMessagesNotVisible"])
    retention_seconds = int(queue["MessageRetentionPeriod"])
    told = f"Events that wait: {waiting:,}; in work, or to come back later: {in_work:,}."
    if not waiting + in_work:
        return f"{told} What comes is kept for {retention_seconds / DAY_SECONDS:g} days."
    arrived = bootstrap.oldest_arrival(stage, now=time.time())
    if arrived is None:
        return (
            f"{told} Each is kept for {retention_seconds / DAY_SECONDS:g} days from its arrival; "
            "how old the oldest is, CloudWatch does not say."
        )
    return (
        f"{told} The oldest came {to_the_minute(arrived)} UTC, and SQS deletes it "
        f"{to_the_minute(arrived + retention_seconds)} UTC."
    )
