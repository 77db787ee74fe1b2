"""
Run the demo: exit status 0 when the accounting holds, 1 when anything is missing or too much.

KEEP=1 leaves everything running until Ctrl-C, for callbacks of your own.
"""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType

from rich.console import Console

from local.demo.accounting import account, find
from local.demo.callbacks import DOCUMENTED_RECIPIENT, REFUSED, Event, Fate, Post, make_posts
from local.demo.display import Watch, show_accounting, show_blocklist, show_dead_letters
from local.demo.posting import post_all
from local.parent import end_with_parent
from local.pipeline import TOKEN, Pipeline, running_pipeline

#: Beyond this something is stuck; the accounting then says what.
PATIENCE_SECONDS = 90
POLL_SECONDS = 0.25

_NEVER_QUEUED = frozenset({Fate.PASSED, Fate.TURNED_AWAY, Fate.MALFORMED})


def main() -> int:
    """Start the pipeline, post, watch, account."""
    end_with_parent()
    signal.signal(signal.SIGTERM, _exit)
    console = Console()
    posts = make_posts()
    events = [event for post in posts for event in post.events]
    with running_pipeline(on_step=lambda step: console.print(f"starting {step} ...")) as pipeline:
        pipeline.double.refused = frozenset(REFUSED)
        statuses = _post_and_watch(console, pipeline, posts)
        holds = _report(console, pipeline, events)
        console.print(
            f"\n{len(events)} events in {len(posts)} callbacks "
            f"(answers: {', '.join(f'{n} x {status}' for status, n in sorted(statuses.items()))}) "
            f"became {len(pipeline.double.requests)} requests to CreateCustomBlacklist."
        )
        if os.environ.get("KEEP"):
            _keep(console, pipeline)
    return 0 if holds else 1


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _post_and_watch(console: Console, pipeline: Pipeline, posts: list[Post]) -> dict[int, int]:
    total = sum(len(post.events) for post in posts)
    at_the_door = sum(event.fate in _NEVER_QUEUED for post in posts for event in post.events)
    watch, stopping = Watch(console, events=total), threading.Event()
    with watch.live, ThreadPoolExecutor(1) as background, ExitStack() as end:
        end.callback(stopping.set)  # whatever ends the watching ends the posting
        posting = background.submit(
            post_all,
            posts,
            pipeline.stack.callback_url,
            TOKEN,
            on_posted=lambda post: watch.posted(len(post.events)),
            stopping=stopping,
        )
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        settled = 0
        while settled < total and time.monotonic() < patience_ends:
            time.sleep(POLL_SECONDS)
            settled = pipeline.poller.counts.deleted + (at_the_door if posting.done() else 0)
            watch.show(pipeline, settled=settled)
        return posting.result()


def _report(console: Console, pipeline: Pipeline, events: list[Event]) -> bool:
    findings = find(pipeline)
    checks = list(account(events, findings))
    entries = pipeline.double.blocked.values()
    documented_first = sorted(entries, key=lambda entry: entry.email != DOCUMENTED_RECIPIENT)
    show_blocklist(console, documented_first)
    show_dead_letters(console, findings.dead_letters)
    show_accounting(console, checks)
    return all(check.holds for check in checks)


def _keep(console: Console, pipeline: Pipeline) -> None:
    """Go on until Ctrl-C, telling what becomes of callbacks that somebody posts."""
    callback = '{"event":"bounce","email":"you@example.com","bounceType":"hard_bounce"}'
    console.print(
        "\nPost your own, and watch it appear below; Ctrl-C ends everything:", style="bold"
    )
    print(f"  curl -i '{pipeline.callback_url}' -d '{callback}'")  # noqa: T201 - to be copied whole
    print(f"  export AWS_ENDPOINT_URL={pipeline.aws.endpoint_url} AWS_REGION={pipeline.aws.region}")  # noqa: T201
    known, dead = set(pipeline.double.blocked), pipeline.dead_letters()
    try:
        while True:
            time.sleep(POLL_SECONDS)
            blocked = set(pipeline.double.blocked)
            for recipient in sorted(blocked - known):
                console.print(f"blocked {recipient}", markup=False)
            if pipeline.dead_letters() > dead:
                console.print("a dead letter arrived")
            known, dead = blocked, pipeline.dead_letters()
    except KeyboardInterrupt:
        console.print("ending ...")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
