"""The door's contract, case by case, in the order in which they are told apart."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.errors import UnavailableError
from functions.blocklist.domain.events import EventKind
from functions.blocklist.services.ports import Reported
from functions.blocklist.services.receive_callback import (
    MAX_BODY_BYTES,
    MAX_EVENT_BYTES,
    Receipt,
    Request,
    receive_callback,
)
from tests.fakes import FakeDeadLetters, FakeEventQueue, FakeForwarding, FakeTokens

CURRENT = FakeTokens.current
BOUNCE = Reported(b'{"event":"bounce"}', "bounce", EventKind.HARD_BOUNCE)
DELIVERED = Reported(b'{"event":"delivered"}', "delivered", EventKind.DELIVERED)
JUNK = Reported(b"junk", "malformed", None)


class Door:
    """The use case with fakes around it."""

    def __init__(self, *reported: Reported) -> None:
        self.reported = reported
        self.tokens = FakeTokens()
        self.queue = FakeEventQueue()
        self.dead_letters = FakeDeadLetters()
        self.forwarding: FakeForwarding | None = FakeForwarding()

    def __call__(
        self, *, method: str = "POST", token: bytes | None = CURRENT, body: bytes = b"{}"
    ) -> Receipt:
        return receive_callback(
            Request(method, token, body),
            parse=lambda _: self.reported,
            tokens=self.tokens,
            queue=self.queue,
            dead_letters=self.dead_letters,
            forwarding=self.forwarding,
            before=10.0,
        )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_found(method: str) -> None:
    assert Door(BOUNCE)(method=method).status == 404


def test_other_paths_are_not_found() -> None:
    assert Door(BOUNCE)(token=None).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_wrong_token_is_not_found_whatever_the_size(method: str) -> None:
    door = Door(BOUNCE)

    receipt = door(method=method, token=b"wrong", body=b"x" * (MAX_BODY_BYTES + 1))

    assert receipt == Receipt(404)
    assert door.queue.kept == []


def test_other_paths_are_not_found_even_without_tokens() -> None:
    """Not found comes first: a stranger learns nothing of our state."""
    door = Door(BOUNCE)
    door.tokens = FakeTokens(error=UnavailableError("ssm:Down"))

    assert door(token=None).status == 404


def test_without_any_tokens_nobody_is_turned_away_for_good() -> None:
    """404 would tell Tencent that the address is wrong, and lose the callback."""
    door = Door(BOUNCE)
    door.tokens = FakeTokens(error=UnavailableError("ssm:Down"))

    receipt = door()

    assert receipt.status == 503
    assert receipt.error is door.tokens.error
    assert door.queue.kept == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_console_may_probe_the_address(method: str) -> None:
    door = Door(BOUNCE)

    assert door(method=method) == Receipt(200)
    assert door.queue.kept == []


def test_body_without_events_is_a_probe_too() -> None:
    receipt = Door()(body=b"")

    assert (receipt.status, receipt.kept, receipt.events) == (200, 0, {})


@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413)])
def test_body_is_limited_to_one_mebibyte(excess: int, status: int) -> None:
    assert Door()(body=b"x" * (MAX_BODY_BYTES + excess)).status == status


def test_events_that_can_matter_are_kept_and_the_others_counted() -> None:
    door = Door(BOUNCE, DELIVERED, BOUNCE)

    receipt = door()

    assert receipt.status == 200
    assert receipt.kept == 2
    assert receipt.events == {"bounce": 2, "delivered": 1}
    assert door.queue.kept == ['{"event":"bounce"}'] * 2
    assert door.dead_letters.kept == []


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (EventKind.PROCESSED, 0),
        (EventKind.DEFERRED, 0),
        (EventKind.DELIVERED, 0),
        (EventKind.OPENED, 0),
        (EventKind.CLICKED, 0),
        (EventKind.HARD_BOUNCE, 1),
        (EventKind.SOFT_BOUNCE, 1),
        (EventKind.UNCLEAR_BOUNCE, 1),
        (EventKind.COMPLAINT, 1),
        (EventKind.UNSUBSCRIBE, 1),
        (EventKind.DROPPED, 1),
        (EventKind.UNKNOWN, 1),
    ],
)
def test_kinds_kept(kind: EventKind, kept: int) -> None:
    door = Door(Reported(b"{}", "name", kind))

    assert door().kept == len(door.queue.kept) == kept


def test_authenticated_junk_is_kept_for_somebody_to_look_at() -> None:
    door = Door(JUNK, BOUNCE)

    receipt = door()

    assert receipt.status == 200
    assert receipt.events == {"malformed": 1, "bounce": 1}
    assert receipt.dead_letters == {ErrorCode.MALFORMED_EVENT: 1}
    assert door.dead_letters.kept == [DeadLetter(b"junk", ErrorCode.MALFORMED_EVENT)]
    assert door.queue.kept == ['{"event":"bounce"}']


@pytest.mark.parametrize("kind", [EventKind.HARD_BOUNCE, EventKind.DELIVERED])
def test_event_larger_than_the_queue_takes_is_a_dead_letter(kind: EventKind) -> None:
    largest = Reported(b"x" * MAX_EVENT_BYTES, "bounce", EventKind.HARD_BOUNCE)
    too_large = Reported(b"x" * (MAX_EVENT_BYTES + 1), "bounce", kind)
    door = Door(largest, too_large)

    receipt = door()

    assert receipt.status == 200
    assert receipt.kept == 1
    assert [letter.code for letter in door.dead_letters.kept] == [ErrorCode.OVERSIZED_EVENT]


def test_size_is_measured_as_the_queue_has_it() -> None:
    """Two characters double there; refused by SQS, such an event would be asked for for ever."""
    grows = Reported("\uffff".encode() * 15_000, "bounce", EventKind.HARD_BOUNCE)
    door = Door(grows)

    assert door().status == 200
    assert [letter.code for letter in door.dead_letters.kept] == [ErrorCode.OVERSIZED_EVENT]


def test_event_that_cannot_be_kept_is_asked_for_again() -> None:
    door = Door(BOUNCE, BOUNCE)
    door.queue = FakeEventQueue(fail=frozenset({1}))

    receipt = door()

    assert (receipt.status, receipt.failed) == (503, {"Down": 1})


def test_junk_that_cannot_be_kept_is_asked_for_again() -> None:
    door = Door(JUNK)
    door.dead_letters = FakeDeadLetters(fail=frozenset({0}))

    receipt = door()

    assert (receipt.status, receipt.failed) == (503, {"Down": 1})


@pytest.mark.parametrize("reported", [BOUNCE, DELIVERED, JUNK])
def test_every_authenticated_body_is_passed_on_as_it_came(reported: Reported) -> None:
    """Deliveries and opens too, which nobody else will ever hear of."""
    door = Door(reported)
    door.forwarding = forwarding = FakeForwarding()

    receipt = door(body=b" [as it came]\n")

    assert forwarding.published == [b" [as it came]\n"]
    assert forwarding.ends == {10.0}
    assert (receipt.status, receipt.forward_failed) == (200, None)


@pytest.mark.parametrize(
    ("method", "token", "body"),
    [
        ("POST", b"wrong", b"{}"),
        ("POST", None, b"{}"),
        ("PUT", CURRENT, b"{}"),
        ("GET", CURRENT, b"{}"),
        ("POST", CURRENT, b"x" * (MAX_BODY_BYTES + 1)),
    ],
)
def test_what_was_turned_away_is_not_passed_on(
    method: str, token: bytes | None, body: bytes
) -> None:
    """Else a stranger could speak to whoever listens there."""
    door = Door(BOUNCE)
    door.forwarding = forwarding = FakeForwarding()

    door(method=method, token=token, body=body)

    assert forwarding.published == []


def test_probe_is_not_passed_on() -> None:
    door = Door()
    door.forwarding = forwarding = FakeForwarding()

    door(body=b"[]")

    assert forwarding.published == []


def test_failure_to_pass_on_changes_nothing_but_what_is_counted() -> None:
    door, same = Door(BOUNCE, JUNK), Door(BOUNCE, JUNK)
    door.forwarding, same.forwarding = FakeForwarding(failure="NotFound"), None

    receipt = door()

    assert receipt.forward_failed == "NotFound"
    assert replace(receipt, forward_failed=None) == same()
    assert door.queue.kept == same.queue.kept


def test_events_are_kept_before_they_are_passed_on() -> None:
    """The time is theirs first."""
    order: list[str] = []
    door = Door(BOUNCE)

    class Queue(FakeEventQueue):
        def put(self, events: Sequence[str], *, before: float) -> dict[int, str]:
            order.append("kept")
            return super().put(events, before=before)

    class Forwarding(FakeForwarding):
        def publish(self, body: bytes, *, before: float) -> str | None:
            order.append("passed on")
            return super().publish(body, before=before)

    door.queue, door.forwarding = Queue(), Forwarding()

    door()

    assert order == ["kept", "passed on"]


def test_what_could_not_be_kept_is_passed_on_all_the_same() -> None:
    """Whoever listens there may be the only one to hear of it."""
    door = Door(BOUNCE)
    door.queue = FakeEventQueue(fail=frozenset({0}))
    door.forwarding = forwarding = FakeForwarding()

    assert door().status == 503
    assert forwarding.published == [b"{}"]


def test_previous_token_is_reported() -> None:
    """A rotation is over when nobody uses it any more."""
    door = Door(BOUNCE)

    assert door(token=door.tokens.previous).previous_token
    assert not door().previous_token


def test_request_shows_neither_token_nor_body() -> None:
    request = Request("POST", CURRENT, b"somebody@example.com")

    assert repr(request) == "Request(method='POST')"
