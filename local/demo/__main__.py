"""
Run the demo: exit status 0 when the accounting holds, 1 when anything is missing or too much.

KEEP=1 leaves everything running until Ctrl-C, for callbacks of your own.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType

from rich.console import Console

from local.demo.accounting import AT_THE_DOOR, Findings, account, find, read_metrics
from local.demo.callbacks import (
    DOCUMENTED_RECIPIENT,
    REFUSED,
    Event,
    Post,
    hard_bounces,
    make_posts,
)
from local.demo.display import (
    Watch,
    show_accounting,
    show_blocklist,
    show_dead_letters,
    show_decisions,
)
from local.demo.posting import post_all
from local.metrics import Place
from local.parent import end_with_parent
from local.pipeline import SECRET_ID, SECRET_KEY, TOKEN, Pipeline, running_pipeline

#: Beyond this something is stuck; the accounting then says what.
PATIENCE_SECONDS = 90
POLL_SECONDS = 0.25

NOT_FOUND = 404

#: What KEEP=1 tells of, in the order in which it happens.
TOLD = {
    "Events": "events at the door",
    "Accepted": "accepted",
    "Ignored": "ignored on purpose",
    "OnDeadLetterQueue": "dead letters",
    "Retried": "to be tried again",
    "Added": "addresses new on the blocklist",
    "Repeated": "addresses blocked before",
    "Refused": "addresses that Tencent refused",
}


def main() -> int:
    """Start the pipeline, post, watch, account."""
    end_with_parent()
    signal.signal(signal.SIGTERM, _exit)
    console = Console()
    posts = make_posts(now=time.time())
    events = [event for post in posts for event in post.events]
    place = Place()
    bounced = hard_bounces(events)
    with running_pipeline(on_step=lambda step: console.print(f"starting {step} ...")) as pipeline:
        pipeline.double.refused = frozenset(REFUSED)
        for address, reply in bounced.items():
            pipeline.double.bounce(address, reply)
        statuses = _post_and_watch(console, pipeline, posts)
        findings = find(pipeline, read_metrics(pipeline, place), turned_away=statuses[NOT_FOUND])
        holds = _report(console, pipeline, events, findings)
        if os.environ.get("KEEP"):
            _keep(console, pipeline, place)
    return 0 if holds else 1


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _post_and_watch(console: Console, pipeline: Pipeline, posts: list[Post]) -> Counter[int]:
    total = sum(len(post.events) for post in posts)
    at_the_door = sum(event.fate in AT_THE_DOOR for post in posts for event in post.events)
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


def _report(console: Console, pipeline: Pipeline, events: list[Event], findings: Findings) -> bool:
    entries = pipeline.double.blocked.values()
    documented_first = sorted(entries, key=lambda entry: entry.email != DOCUMENTED_RECIPIENT)
    show_blocklist(console, documented_first)
    show_dead_letters(console, findings.dead_letters)
    checks = list(account(events, findings))
    show_accounting(console, checks)
    show_decisions(console, findings.decided)
    holds = all(check.holds for check in checks)
    console.print(
        f"\n{len(events)} events became {len(pipeline.double.requests)} requests to Tencent, most "
        f"of them to find the {len(REFUSED)} addresses that it refuses without naming them."
    )
    if holds:
        console.print("Everything is accounted for.", style="bold green")
    else:
        console.print("Something is missing or too much: see above.", style="bold red")
    return holds


def _keep(console: Console, pipeline: Pipeline, place: Place) -> None:
    """Go on until Ctrl-C, telling what becomes of callbacks that somebody posts."""
    callback = (
        '{"event":"bounce","email":"you@example.com","bounceType":"hard_bounce",'
        '"reason":"550 5.1.1 user unknown"}'
    )
    print(  # noqa: T201 - to be copied whole
        "\nPost your own, and see below what becomes of it within some seconds:\n\n"
        f"  curl -i '{pipeline.callback_url}' -d '{callback}'\n\n"
        "For boto3 and version 2 of the AWS command line, the emulator's account:\n\n"
        f"  export AWS_ENDPOINT_URL={pipeline.aws.endpoint_url} "
        f"AWS_DEFAULT_REGION={pipeline.aws.region} \\\n"
        "      AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n\n"
        "And for the operator's command line (docs/cli.md) the double of Tencent's API too:\n\n"
        f"  export TENCENT_SES_ENDPOINT={pipeline.double.url} \\\n"
        f"      TENCENTCLOUD_SECRET_ID={SECRET_ID} TENCENTCLOUD_SECRET_KEY={SECRET_KEY}\n"
        "  .venv/bin/ses-blocklist status --stage local\n\n"
        "Ctrl-C ends everything.\n",
        flush=True,  # a file or a pipe would get it with the first callback only
    )
    known = _count_all(pipeline, place)
    try:
        while True:
            time.sleep(POLL_SECONDS)
            counted = _count_all(pipeline, place)
            news = {
                name: counted[name] - known[name] for name in TOLD if counted[name] > known[name]
            }
            if news:
                console.print(", ".join(f"{TOLD[name]}: {number}" for name, number in news.items()))
            known = counted
    except KeyboardInterrupt:
        console.print("ending ...")


def _count_all(pipeline: Pipeline, place: Place) -> Counter[str]:
    return read_metrics(pipeline, place) + Counter(OnDeadLetterQueue=pipeline.dead_letters())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
