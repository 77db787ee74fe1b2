"""What an operator reads on the dead-letter queue."""

import re

import pytest

from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode


def test_codes_are_those_of_the_contract() -> None:
    """Alarms, runbook and redrive rely on the names."""
    assert {code.value for code in ErrorCode} == {
        "MalformedEvent",
        "UnknownEvent",
        "OversizedEvent",
        "InvalidAddress",
        "UnexpectedSender",
        "RefusedAddress",
        "RefusedRequest",
        "Held",
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_its_sentence(code: ErrorCode) -> None:
    """A code without one would raise when the first such message is to be kept."""
    assert re.fullmatch(r"[A-Z][ -~]{20,200}\.", code.sentence)


def test_sentences_differ() -> None:
    assert len({code.sentence for code in ErrorCode}) == len(ErrorCode)


def test_letter_does_not_show_what_it_holds() -> None:
    """The body holds addresses, and a `repr` ends in logs and in exceptions' texts."""
    letter = DeadLetter(b'{"email":"jane@example.com"}', ErrorCode.MALFORMED_EVENT, "request-1")

    assert "jane" not in repr(letter)
    assert "request-1" in repr(letter)


def test_letter_is_the_pipelines_own_unless_said_otherwise() -> None:
    assert not DeadLetter(b"x", ErrorCode.MALFORMED_EVENT).from_operator
