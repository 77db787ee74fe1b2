"""
Use case: an HTTPS callback in, its events on the queue.

The order of the cases is the door's contract: a stranger learns nothing but 404, and nothing is
answered 200 before it is safe.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.errors import RetryLaterError
from functions.blocklist.domain.events import PASSING_KINDS
from functions.blocklist.services.ports import (
    CallbackTokens,
    DeadLetters,
    EventQueue,
    Forwarding,
    Reported,
    TokenMatch,
)

MAX_BODY_BYTES = 1024 * 1024
MAX_EVENT_BYTES = 60 * 1024

OK, NOT_FOUND, TOO_LARGE, UNAVAILABLE = 200, 404, 413, 503


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request, whichever door it came through.

    *token* is None when the path is not the callback's. It and *body* never show in a `repr`.
    """

    method: str
    token: bytes | None = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What became of a request: the HTTP status, and how many events of each name it held.

    *failed* counts what could not be kept by the code that says why; *forward_failed* says why the
    request was not passed on.
    """

    status: int
    events: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    dead_letters: Mapping[ErrorCode, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    previous_token: bool = False
    error: RetryLaterError | None = None
    forward_failed: str | None = None


def receive_callback(  # noqa: PLR0913 - what it needs is passed, not found
    request: Request,
    *,
    parse: Callable[[bytes], Sequence[Reported]],
    tokens: CallbackTokens,
    queue: EventQueue,
    dead_letters: DeadLetters,
    forwarding: Forwarding | None,
    before: float,
) -> Receipt:
    """
    Check the caller, keep what can matter, and say how to answer before *before* (monotonic).

    What holds events is passed on afterwards, whatever they are and whether they could be kept:
    that others hear of it changes nothing for the caller.
    """
    if request.token is None or request.method not in {"GET", "HEAD", "POST"}:
        return Receipt(NOT_FOUND)
    try:
        match = tokens.match(request.token)
    except RetryLaterError as error:
        return Receipt(UNAVAILABLE, error=error)
    if match is TokenMatch.NONE:
        return Receipt(NOT_FOUND)
    if request.method != "POST":
        return Receipt(OK)
    if len(request.body) > MAX_BODY_BYTES:
        return Receipt(TOO_LARGE)
    reported = parse(request.body)
    to_keep = [event.raw.decode() for event in reported if _is_kept(event)]
    junk = [letter for event in reported if (letter := _dead_letter(event))]
    not_queued = queue.put(to_keep, before=before)
    not_dead_lettered = dead_letters.put(junk, before=before)
    failed = Counter([*not_queued.values(), *not_dead_lettered.values()])
    forward_failed = None
    if forwarding and reported:
        forward_failed = forwarding.publish(request.body, before=before)
    return Receipt(
        UNAVAILABLE if failed else OK,
        events=Counter(event.name for event in reported),
        kept=len(to_keep) - len(not_queued),
        dead_letters=Counter(
            letter.code for index, letter in enumerate(junk) if index not in not_dead_lettered
        ),
        failed=failed,
        previous_token=match is TokenMatch.PREVIOUS,
        forward_failed=forward_failed,
    )


def _is_kept(event: Reported) -> bool:
    return (
        event.kind is not None
        and event.kind not in PASSING_KINDS
        and _size_on_queue(event.raw) <= MAX_EVENT_BYTES
    )


def _dead_letter(event: Reported) -> DeadLetter | None:
    if event.kind is None:
        return DeadLetter(event.raw, ErrorCode.MALFORMED_EVENT)
    if _size_on_queue(event.raw) > MAX_EVENT_BYTES:
        return DeadLetter(event.raw, ErrorCode.OVERSIZED_EVENT)
    return None


def _size_on_queue(raw: bytes) -> int:
    """Give the bytes on the queue, where U+FFFE and U+FFFF take six each instead of three."""
    return len(raw) + 3 * (raw.count(b"\xef\xbf\xbe") + raw.count(b"\xef\xbf\xbf"))
