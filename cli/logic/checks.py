"""What `doctor` looks at, and what it says: every fault with how it is mended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_REQUESTS_PER_SECOND = 20
#: Tencent refuses a request that is signed with a clock further off.
MAX_CLOCK_SECONDS, NOTABLE_CLOCK_SECONDS = 300, 60


class State(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what it is like, and how to mend it."""

    name: str
    state: State
    told: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the queues, the trigger and the consumer are set."""

    queue: Mapping[str, str]
    dead_letter_queue: Mapping[str, str]
    timeout_seconds: int
    window_seconds: int
    max_concurrency: int | None
    reports_item_failures: bool
    requests_per_second: float


def ok(name: str, told: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(name, State.OK, told)


def check_clock(here: float, there: float) -> Finding:
    """Compare this machine's clock with another's."""
    name, off = "clock", abs(here - there)
    if off < NOTABLE_CLOCK_SECONDS:
        return ok(name, "this machine's clock is right")
    state = State.FAULT if off > MAX_CLOCK_SECONDS else State.WARNING
    return Finding(
        name,
        state,
        f"this machine's clock is {off:.0f} s off",
        "Set it: Tencent refuses what is signed more than five minutes off.",
    )


def put_back(stage: str) -> str:
    """Say how to mend what differs from what was deployed: deploying the same again does not."""
    return (
        "Put back by hand what was changed by hand; deploying the same again does not. See "
        f"aws cloudformation detect-stack-drift --stack-name ses-blocklist-{stage} "
        "(docs/operations.md, What was changed by hand)"
    )


def check_wiring(wiring: Wiring, *, stage: str) -> list[Finding]:
    """Look for what would lose mail, or be refused by Tencent, without a word."""
    mend = put_back(stage)
    return [
        _check_visibility(wiring, mend),
        _check_redrive(wiring, mend),
        _check_retention(wiring, mend),
        _check_failures(wiring, mend),
        _check_rate(wiring, mend),
    ]


def _check_visibility(wiring: Wiring, mend: str) -> Finding:
    name = "visibility"
    is_set = int(wiring.queue["VisibilityTimeout"])
    needed = 6 * wiring.timeout_seconds + wiring.window_seconds
    if is_set >= needed:
        return ok(
            name, f"{is_set} s, which is enough for the consumer's {wiring.timeout_seconds} s"
        )
    state = State.WARNING if is_set >= wiring.timeout_seconds else State.FAULT
    return Finding(
        name,
        state,
        f"{is_set} s, less than 6 x the consumer's timeout + the window = {needed} s: events are "
        "taken twice at a time",
        mend,
    )


def _check_redrive(wiring: Wiring, mend: str) -> Finding:
    name = "dead-letter queue"
    policy = json.loads(wiring.queue.get("RedrivePolicy", "{}"))
    if policy.get("deadLetterTargetArn") != wiring.dead_letter_queue["QueueArn"]:
        return Finding(
            name,
            State.FAULT,
            "the queue does not lead to it: what cannot be done goes round until SQS deletes it",
            mend,
        )
    return ok(name, f"the queue leads to it, after {policy.get('maxReceiveCount')} receives")


def _check_retention(wiring: Wiring, mend: str) -> Finding:
    name = "retention"
    source = int(wiring.queue["MessageRetentionPeriod"])
    dead = int(wiring.dead_letter_queue["MessageRetentionPeriod"])
    told = f"{source / 86_400:g} days on the queue, {dead / 86_400:g} as a dead letter"
    if dead > source:
        return ok(name, told)
    return Finding(
        name,
        State.FAULT,
        f"{told}: SQS counts from the first arrival, so dead letters may be deleted at once",
        mend,
    )


def _check_failures(wiring: Wiring, mend: str) -> Finding:
    name = "partial failures"
    if wiring.reports_item_failures:
        return ok(name, "only what failed comes back")
    return Finding(
        name,
        State.FAULT,
        "the trigger does not listen to them (ReportBatchItemFailures): what fails is deleted",
        mend,
    )


def _check_rate(wiring: Wiring, mend: str) -> Finding:
    name = "requests a second"
    if wiring.max_concurrency is None:
        return Finding(name, State.FAULT, "the trigger has no limit (MaximumConcurrency)", mend)
    most = 2 * wiring.max_concurrency * wiring.requests_per_second
    told = (
        f"{most:g} at most, with {wiring.max_concurrency} sandboxes at "
        f"{wiring.requests_per_second:g} and twice as many during a deployment"
    )
    if most <= MAX_REQUESTS_PER_SECOND:
        return ok(name, told)
    return Finding(
        name,
        State.WARNING,
        f"{told}: Tencent takes {MAX_REQUESTS_PER_SECOND} from the whole account",
        "Lower apiRequestsPerSecond or concurrency in serverless.yml, and deploy.",
    )


def check_door(right: int | str, wrong: int | str, *, stage: str) -> Finding:
    """
    Judge how the callback address answered from here, with the *right* token and a *wrong* one.

    Text instead of a status says that there was no answer.
    """
    name = "callback address"
    if right == 200 and wrong == 404:  # noqa: PLR2004 - the door's contract
        return ok(name, "answers 200 from here, and 404 to a wrong token")
    if right == 200:  # noqa: PLR2004 - as above
        return Finding(
            name,
            State.FAULT,
            f"answers {wrong} to a wrong token: anybody can get people blocked",
            f"Is something in front of the door? Else deploy again: make deploy STAGE={stage}",
        )
    advice = {
        403: "The function URL is closed to the world, or something in front of it refuses you.",
        404: "The token on the door is another: it is read anew within five minutes. Else the "
        "address lacks /callbacks/.",
        503: f"The door cannot read its tokens: ses-blocklist init {stage}, and see its log.",
    }
    told = f"answers {right}" if isinstance(right, int) else f"does not answer from here ({right})"
    other = "Look at the door's log, and whether this machine may reach it at all."
    return Finding(
        name, State.FAULT, told, advice.get(right if isinstance(right, int) else 0, other)
    )
