"""`dead-letters`: everything is found, and nothing is lost on its way."""

import json
import signal
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.running import Account, Ran, run, start, stop
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

GONE = '{"event": "bounce", "email": "a@example.com", "bulkId": "m-1"}'
OTHER = '{"event": "bounce", "email": "b@example.com", "bulkid": "m-2"}'
SENTENCE = "Not a callback: it must be"


@pytest.fixture
def dead(account: Account) -> Iterator["Dead"]:
    yield Dead(account)
    account.empty()


class Dead:
    """The dead-letter queue, to fill and to look at."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def put(self, body: str = GONE, code: str = "", **attributes: str) -> None:
        named = {"ErrorCode": code, "ErrorMessage": "why"} if code else {}
        self.account.put(self.account.dead_letter_queue, body, **named, **attributes)

    @property
    def left(self) -> list[tuple[str, str]]:
        """Bodies and codes, taken off the queue."""
        found = self.account.messages(self.account.dead_letter_queue)
        return [(body, attributes.get("ErrorCode", "")) for body, attributes in found]

    @property
    def on_queue(self) -> list[tuple[str, dict[str, str]]]:
        """What went back, taken off the source queue."""
        return self.account.messages(self.account.queue)

    def count(self, queue_url: str) -> int:
        """Count a queue's messages, those that somebody holds included."""
        attributes: Mapping[str, str] = self.account.sqs.get_queue_attributes(  # type: ignore[assignment]
            QueueUrl=queue_url, AttributeNames=["All"]
        )["Attributes"]
        return sum(
            int(attributes[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible")
        )


def letters(command: str, *more: str, answer: str = "") -> Ran:
    return run("dead-letters", command, "--stage", "local", *more, answer=answer)


def test_letters_are_counted_by_code(dead: Dead) -> None:
    dead.put(code="InvalidAddress")
    dead.put(code="InvalidAddress", Origin="operator")
    dead.put(code="MalformedEvent")
    dead.put()

    ran = letters("list")

    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0] == "Dead letters of stage local: 4"
    assert lines[2] == "code letters by operator first arrived deleted from"
    assert lines[3].startswith("InvalidAddress 2 1 20")
    assert {lines[4].split()[0], lines[5].split()[0]} == {"MalformedEvent", "receives-exhausted"}
    assert "InvalidAddress: The recipient is not an address that can be blocked." in lines
    assert ran.code == 0


def test_counting_shows_no_address_and_keeps_everything(dead: Dead) -> None:
    for _ in range(12):
        dead.put(code="InvalidAddress")

    first, second = letters("list"), letters("list")

    assert "@" not in first.out + first.err
    assert "stage local: 12" in second.out
    assert second.err == ""
    assert len(dead.left) == 12


def test_programs_get_groups(dead: Dead) -> None:
    dead.put(code="Held")

    told = letters("list", "--json").json

    assert (told["letters"], told["held_elsewhere"]) == (1, 0)
    assert told["retention_seconds"] == 14 * 86_400
    [group] = told["groups"]
    assert (group["code"], group["letters"], group["from_operator"]) == ("Held", 1, 0)


def test_letters_that_somebody_else_looks_at_are_told(dead: Dead) -> None:
    """Otherwise a queue that another operator walks looks empty."""
    dead.put()
    dead.account.sqs.receive_message(QueueUrl=dead.account.dead_letter_queue)

    ran = letters("list")

    assert "1 more are held by somebody" in ran.err
    assert ran.out == "Dead letters of stage local: 0\n"


def test_letters_are_shown_as_they_came(dead: Dead) -> None:
    dead.put(
        b64encode(b"\xff\x1b[2J caf\xc3\xa9").decode(), "MalformedEvent", BodyEncoding="base64"
    )

    ran = letters("show")
    told = letters("show", "--json").json

    assert "body      \\xff\\x1b[2J café" in ran.out
    assert ran.out.startswith("MalformedEvent\n")
    assert told["body"] == "\\xff\x1b[2J café"


def test_parts_of_a_body_are_shown_as_such(dead: Dead) -> None:
    part = b64encode(b"half").decode()
    dead.put(part, "MalformedEvent", BodyEncoding="base64", BodyPart="1/2")

    ran = letters("show")

    assert "MalformedEvent, part 1/2 of a larger body" in ran.out
    assert "body      half" in ran.out


def test_only_what_is_asked_for_is_shown(dead: Dead) -> None:
    dead.put(GONE, "Held")
    dead.put(OTHER, "Held")
    dead.put(GONE, "InvalidAddress")

    by_code = letters("show", "--json", "--code", "Held").json_lines
    by_mailing = letters("show", "--json", "--bulk-id", "m-1").json_lines
    limited = letters("show", "--json", "--limit", "1").json_lines

    assert [each["code"] for each in by_code] == ["Held", "Held"]
    assert {each["body"] for each in by_mailing} == {GONE}
    assert (len(by_mailing), len(limited)) == (2, 1)
    assert len(dead.left) == 3


def test_letters_go_back_by_code(dead: Dead) -> None:
    dead.put(GONE, "UnknownEvent", Origin="operator", RequestId="r-1")
    dead.put(OTHER, "InvalidAddress")

    ran = letters("redrive", "--code", "UnknownEvent", "--yes")

    assert ran.out == "     1  sent back to the queue\n"
    assert dead.on_queue == [(GONE, {"Origin": "operator"})]
    assert dead.left == [(OTHER, "InvalidAddress")]


def test_what_sqs_moved_has_a_name_too(dead: Dead) -> None:
    dead.put(GONE)
    dead.put(OTHER, "InvalidAddress")

    letters("redrive", "--code", "receives-exhausted", "--yes")

    assert dead.on_queue == [(GONE, {})]
    assert dead.left == [(OTHER, "InvalidAddress")]


def test_encoded_body_goes_back_as_it_is(dead: Dead) -> None:
    """The consumer decodes it; SQS could not carry it otherwise."""
    body = b64encode(b"\xff").decode()
    dead.put(body, "MalformedEvent", BodyEncoding="base64")

    letters("redrive", "--all", "--yes")

    assert dead.on_queue == [(body, {"BodyEncoding": "base64"})]


def test_what_the_queue_cannot_take_stays(dead: Dead) -> None:
    large = "x" * 70_000
    dead.put(large, "OversizedEvent")
    dead.put("part", "MalformedEvent", BodyPart="1/2")
    dead.put(GONE, "InvalidAddress")

    ran = letters("redrive", "--all", "--yes")

    assert "     2  too large for the queue: left where they are" in ran.out
    assert ran.code == 1
    assert dead.on_queue == [(GONE, {})]
    assert dead.left == [("part", "MalformedEvent"), (large, "OversizedEvent")]


def test_redrive_of_many_stopped_half_way_loses_nobody(dead: Dead, tmp_path: Path) -> None:
    bodies = [json.dumps({"event": "bounce", "email": f"a{n:02}@example.com"}) for n in range(30)]
    for body in bodies:
        dead.put(body, "InvalidAddress")
    slowly = ("redrive", "--stage", "local", "--all", "--yes", "--rate", "8")
    process = start("dead-letters", *slowly, cwd=tmp_path)
    wait_until(lambda: dead.count(dead.account.dead_letter_queue) == 20)

    stopped = stop(process)
    ran = letters("redrive", "--all", "--yes")

    assert stopped.code == 130
    held = len(set(bodies) - {body for body, _ in dead.on_queue})
    assert dead.count(dead.account.dead_letter_queue) == held
    assert (ran.code, "more are held by somebody" in ran.err) == ((1, True) if held else (0, False))


def test_redrive_that_is_killed_loses_nobody(dead: Dead, tmp_path: Path) -> None:
    bodies = {json.dumps({"event": "bounce", "email": f"a{n:02}@example.com"}) for n in range(20)}
    for body in bodies:
        dead.put(body, "InvalidAddress")
    slowly = ("redrive", "--stage", "local", "--all", "--yes", "--rate", "8")
    process = start("dead-letters", *slowly, cwd=tmp_path)
    wait_until(lambda: dead.count(dead.account.queue) >= 10)

    stop(process, signal.SIGKILL)

    there, back = dead.count(dead.account.dead_letter_queue), dead.count(dead.account.queue)
    assert there + back >= 20
    assert back < 20


def test_redrive_takes_no_more_than_its_limit(dead: Dead) -> None:
    for _ in range(15):
        dead.put(code="InvalidAddress")

    letters("redrive", "--all", "--limit", "12", "--yes")

    assert (len(dead.on_queue), len(dead.left)) == (12, 3)


@pytest.mark.parametrize("command", ["redrive", "drop"])
def test_nothing_is_meant_by_nothing(account: Account, command: str) -> None:
    """A slip must not send everything back, or delete it."""
    del account

    ran = letters(command, "--yes")

    assert "Say --code CODE, --bulk-id ID, or --all." in ran.err
    assert ran.code == 2


def test_held_ones_are_not_redriven(dead: Dead) -> None:
    ran = letters("redrive", "--code", "Held", "--yes")

    assert "ses-blocklist dead-letters release" in ran.err
    assert ran.code == 2
    assert dead.on_queue == []


@pytest.mark.parametrize("which", [("--all",), ("--bulk-id", "m-1")])
def test_held_ones_stay_when_everything_else_is_redriven(
    dead: Dead, which: tuple[str, ...]
) -> None:
    """A person decides about them; a round trip would only make them a day younger."""
    dead.put(GONE, "Held")
    dead.put(GONE, "UnknownEvent")

    told = letters("redrive", *which, "--dry-run")
    ran = letters("redrive", *which, "--yes")
    again = letters("redrive", *which, "--yes")

    assert told.out == "1 would go back to the queue (UnknownEvent 1).\n"
    assert ran.out == "     1  sent back to the queue\n"
    assert (again.out, again.err) == ("There are none.\n", "On the queue: Held 1.\n")
    assert dead.left == [(GONE, "Held")]


def test_released_ones_go_back_as_an_operators(dead: Dead) -> None:
    """The brake holds nothing of an operator's."""
    dead.put(GONE, "Held")
    dead.put(OTHER, "Held")
    dead.put(GONE, "InvalidAddress")

    letters("release", "--bulk-id", "m-1", "--yes")

    assert dead.on_queue == [(GONE, {"Origin": "operator"})]
    assert sorted(dead.left) == [(GONE, "InvalidAddress"), (OTHER, "Held")]


def test_dropped_ones_are_gone(dead: Dead) -> None:
    dead.put(GONE, "Held")
    dead.put(OTHER, "Held")

    ran = letters("drop", "--code", "Held", "--bulk-id", "m-2", "--yes")

    assert ran.out.startswith("     1  deleted: the ledger goes on holding them")
    assert dead.left == [(GONE, "Held")]
    assert dead.on_queue == []


@pytest.mark.parametrize(
    ("command", "more", "told"),
    [
        ("release", (), "2 would be blocked (Held 2)."),
        ("drop", ("--all",), "2 would be deleted for good (Held 2)."),
        ("drop", ("--all", "--limit", "1"), "1 would be deleted for good (Held 2)."),
    ],
)
def test_dry_run_changes_nothing(
    dead: Dead, command: str, more: tuple[str, ...], told: str
) -> None:
    dead.put(GONE, "Held")
    dead.put(OTHER, "Held")

    ran = letters(command, "--dry-run", "--yes", *more)

    assert (ran.out, ran.code) == (told + "\n", 0)
    assert dead.on_queue == []
    assert len(dead.left) == 2


@pytest.mark.parametrize(
    ("command", "code"), [("redrive", "InvalidAddress"), ("release", "Held"), ("drop", "Held")]
)
def test_answer_no_changes_nothing(dead: Dead, command: str, code: str) -> None:
    dead.put(GONE, code)

    ran = letters(command, "--bulk-id", "m-1", answer="n\n")

    assert f"({code} 1). Go on? [y/N]" in ran.err
    assert ran.code == 1
    assert dead.on_queue == []
    assert dead.left == [(GONE, code)]


def test_answer_yes_goes_on(dead: Dead) -> None:
    dead.put(GONE, "Held")

    assert letters("drop", "--all", answer="y\n").code == 0
    assert dead.left == []


def test_empty_queue_is_no_mistake(account: Account) -> None:
    del account

    for command, more in (("show", ()), ("redrive", ("--all",)), ("drop", ("--all", "--yes"))):
        ran = letters(command, *more)
        assert (ran.out, ran.code) == ("There are none.\n", 0)


@pytest.mark.parametrize(
    ("command", "more"),
    [("show", ()), ("redrive", ()), ("redrive", ("--yes",)), ("drop", ()), ("drop", ("--yes",))],
)
def test_code_that_is_misspelt_is_wrong_and_nothing_is_done(
    dead: Dead, command: str, more: tuple[str, ...]
) -> None:
    """Who is told that there are none believes that all is well, and goes back to bed."""
    for body, code in ((GONE, "InvalidAddress"), (OTHER, "InvalidAddress"), (GONE, "Held")):
        dead.put(body, code)

    ran = letters(command, "--code", "InvalidAddress", "--code", "invalidaddress", *more)

    assert "No dead letter has the code invalidaddress." in ran.err
    assert "On the queue: InvalidAddress 2, Held 1. There can be: Held, Inv" in ran.err
    assert (ran.out, ran.code) == ("", 2)
    assert len(dead.left) == 3


@pytest.mark.parametrize("more", [("--dry-run",), ("--yes",)])
def test_who_finds_none_is_told_what_there_is(dead: Dead, more: tuple[str, ...]) -> None:
    """A mailing may be misspelt too, and no list of them tells."""
    dead.put(GONE, "InvalidAddress")

    for command, chosen in (("drop", "--bulk-id=m-9"), ("redrive", "--code=UnknownEvent")):
        ran = letters(command, chosen, *more)

        assert (ran.out, ran.code) == ("There are none.\n", 0)
        assert ran.err == "On the queue: InvalidAddress 1.\n"


def test_code_of_a_newer_version_is_one(dead: Dead) -> None:
    """Whoever rolled back still has its letters."""
    dead.put(GONE, "CodeToCome")

    ran = letters("drop", "--code", "CodeToCome", "--yes")

    assert (ran.out, ran.code) == ("     1  deleted\n", 0)
    assert dead.left == []


@pytest.mark.parametrize("command", [("show",), ("drop", "--all"), ("redrive", "--all", "--yes")])
def test_none_may_be_left_because_somebody_holds_them(dead: Dead, command: tuple[str, ...]) -> None:
    """Otherwise a queue that another operator walks looks mended."""
    dead.put()
    dead.account.sqs.receive_message(QueueUrl=dead.account.dead_letter_queue)

    ran = letters(*command)

    assert ran.out == "There are none.\n"
    assert "1 more are held by somebody" in ran.err
    assert ran.code == 1
