"""`undo`: what one mistake did, and only that."""

import re
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from cli.errors import WrongInputError
from cli.logic.mistakes import read_moment
from functions.blocklist.domain.history import Fact
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD, last_day
from functions.blocklist.services.ports import Change
from local.tencent import TencentDouble, faults
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import BATCH, NEVER, People
from tests.cli.running import Ran, run, start, stop
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

JOHN = "john@example.com"


def undo(*more: str, answer: str = "") -> Ran:
    return run("undo", "--stage", "local", "--rate", "20", *more, answer=answer)


def blocked(people: People, double: TencentDouble, address: str, until: date | None = None) -> None:
    """Let somebody be on the list by what the ledger knows."""
    history = people.history(address)
    change = Change(history, applied=until or FOR_GOOD, outcome="blocked", until=until or FOR_GOOD)
    assert not people.ledger().change({address: change}, before=NEVER)
    double.block(address, until)


def test_batch_is_taken_back_as_the_pipeline_did_it(
    people: People, stages_double: TencentDouble
) -> None:
    """From callback to undo, with nothing made up in between."""
    people.queue(BOUNCE, {**BOUNCE, "email": JOHN})
    people.consume()
    assert set(stages_double.blocked) == {JANE, JOHN}

    ran = undo("--batch", BATCH, "--note", "T-9", "--yes")
    people.queue(BOUNCE)
    people.consume()

    assert ran.out == "     2  not blocked any more\nDone.\n"
    assert ran.code == 0
    assert stages_double.blocked == {}
    assert people.history(JANE).applied is None
    assert (
        "a mistake, by arn:aws:iam::000000000000:root (T-9)"
        in run("why", JANE, "--stage", "local").out
    )


def test_somebody_with_another_good_reason_stays_blocked(
    people: People, stages_double: TencentDouble
) -> None:
    """An unblock would free whoever complained a year ago, too."""
    people.know(JANE, "complaint", batch="good", mail="m-1")
    people.know(JANE, "mistake", batch="bad", mail="m-2")
    blocked(people, stages_double, JANE)

    ran = undo("--batch", "bad", "--yes")

    assert ran.out == "     1  blocked as before, by what else is known\nDone.\n"
    assert stages_double.blocked[JANE].expires_on is None
    assert people.history(JANE).applied == FOR_GOOD
    assert not [each for each in stages_double.requests if each.action.startswith("Delete")]


def test_block_is_as_long_as_the_good_reason_says(
    people: People, stages_double: TencentDouble
) -> None:
    at = time.time() - 60
    people.know(JANE, "good", action=Action.BLOCK_UNTIL, days=30, batch="good", at=at)
    people.know(JANE, "mistake", batch="bad")
    blocked(people, stages_double, JANE)

    ran = undo("--batch", "bad", "--yes")

    expected = last_day(at, 30)
    assert ran.out == "     1  blocked for less long, by what else is known\nDone.\n"
    assert stages_double.blocked[JANE].expires_on == expected
    assert (people.history(JANE).applied, people.history(JANE).asked) == (expected, None)


@pytest.mark.parametrize(
    "which",
    [
        ("--batch", "bad"),
        ("--bulk-id", "m-2"),
        ("--since", "2h", "--until", "30m"),
        ("--since", "1d", "--until", "30m", "--batch", "bad"),
    ],
)
def test_others_are_left_alone(
    people: People, stages_double: TencentDouble, which: tuple[str, ...]
) -> None:
    people.know(JANE, batch="bad", mail="m-2", decided_at=time.time() - 3600)
    people.know(JOHN, batch="good", mail="m-1", decided_at=time.time() - 3 * 3600)
    people.know("jim@example.com", batch="good", mail="m-1")
    blocked(people, stages_double, JANE)
    blocked(people, stages_double, JOHN)
    blocked(people, stages_double, "jim@example.com")

    ran = undo(*which, "--yes")

    assert ran.out == "     1  not blocked any more\nDone.\n"
    assert set(stages_double.blocked) == {JOHN, "jim@example.com"}
    assert people.history(JOHN).disowned == frozenset()


def test_strikes_of_the_mistake_never_count(people: People, stages_double: TencentDouble) -> None:
    """Else the next full mailbox would block somebody for what an operator called a mistake."""
    del stages_double
    people.know(JANE, action=Action.STRIKE, batch="bad")

    ran = undo("--batch", "bad", "--yes")

    assert ran.out == "     1  were not blocked by it, and never will be\nDone.\n"
    assert people.history(JANE).disowned == frozenset("a")


def test_what_is_undone_is_not_undone_again(people: People, stages_double: TencentDouble) -> None:
    people.know(JANE, batch="bad")
    blocked(people, stages_double, JANE)
    undo("--batch", "bad", "--yes")

    again = undo("--batch", "bad", "--yes")

    assert again.out == "Nothing is left to undo.\n"
    assert again.code == 0


def test_run_that_did_not_come_to_tencent_is_gone_on_with(
    people: People, stages_double: TencentDouble
) -> None:
    people.know(JANE, batch="bad")
    blocked(people, stages_double, JANE)
    stages_double.misbehave(
        faults.error("AuthFailure.UnauthorizedOperation"), action="DeleteCustomBlackList"
    )

    refused = undo("--batch", "bad", "--yes")
    assert refused.code == 4
    assert JANE in stages_double.blocked
    again = undo("--batch", "bad", "--yes")

    assert again.code == 0
    assert stages_double.blocked == {}


def test_killed_run_goes_on_and_frees_everybody(
    people: People, stages_double: TencentDouble, tmp_path: Path
) -> None:
    everybody = [f"a{n:03}@example.com" for n in range(160)]
    for address in everybody:
        people.know(address, batch="bad")
        blocked(people, stages_double, address)
    process = start("undo", "--batch", "bad", "--stage", "local", "--yes", cwd=tmp_path)
    wait_until(lambda: len(stages_double.blocked) < len(everybody))
    stop(process, signal.SIGKILL)
    assert stages_double.blocked

    ran = undo("--batch", "bad", "--yes")

    assert ran.code == 0
    assert stages_double.blocked == {}
    assert undo("--batch", "bad", "--yes").out == "Nothing is left to undo.\n"


def test_no_more_than_its_limit_in_one_run(people: People, stages_double: TencentDouble) -> None:
    for address in (JANE, JOHN):
        people.know(address, batch="bad")
        blocked(people, stages_double, address)

    first = undo("--batch", "bad", "--limit", "1", "--yes")
    left = len(stages_double.blocked)
    second = undo("--batch", "bad", "--limit", "1", "--yes")

    assert (first.code, left) == (1, 1)
    assert second.code == 0
    assert stages_double.blocked == {}


def test_what_was_there_before_the_ledger_is_left_unless_it_is_meant(
    people: People, stages_double: TencentDouble
) -> None:
    fact = Fact("existing:1:", time.time() - 60, Action.BLOCK)
    people.adopt(JANE, fact)
    stages_double.block(JANE)

    left = undo("--since", "1h", "--yes")
    freed = undo("--since", "1h", "--yes", "--include-existing")

    assert left.out == (
        "Nothing is left to undo.\n"
        "     1  on the list before the ledger was: left, without --include-existing\n"
    )
    assert freed.out == "     1  not blocked any more\nDone.\n"
    assert stages_double.blocked == {}


def test_who_was_there_before_the_ledger_is_told_beside_whom_it_frees(
    people: People, stages_double: TencentDouble
) -> None:
    """Else the operator believes that everybody of that hour is free."""
    people.adopt(JOHN, Fact("existing:1:", time.time() - 60, Action.BLOCK))
    people.know(JANE)
    blocked(people, stages_double, JANE)
    stages_double.block(JOHN)

    ran = undo("--since", "1h", "--dry-run")

    assert ran.out.splitlines() == [
        "     1  not blocked any more",
        "     1  on the list before the ledger was: left, without --include-existing",
        "Nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("which", "told"),
    [
        (("--batch", "bda"), "No event in the ledger is of that batch or mailing."),
        (("--bulk-id", "m-3"), "No event in the ledger is of that batch or mailing."),
        (
            ("--batch", "bad", "--until", "2020-01-01"),
            "No event in the ledger is of that batch or mailing in that time.",
        ),
    ],
)
def test_name_that_is_misspelt_is_told_from_what_is_undone(
    people: People, stages_double: TencentDouble, which: tuple[str, ...], told: str
) -> None:
    """Who reads that nothing is left believes that the mistake is taken back."""
    del stages_double
    people.know(JANE, batch="bad", mail="m-2")

    ran = undo(*which, "--yes")

    assert (ran.out, ran.code) == ("", 2)
    assert told in ran.err


def test_batch_that_only_took_note_is_known(people: People, stages_double: TencentDouble) -> None:
    del stages_double
    people.know(JANE, action=Action.IGNORE, batch="bad")

    ran = undo("--batch", "bad", "--yes")

    assert (ran.out, ran.code) == ("Nothing is left to undo.\n", 0)


def test_erased_people_do_not_use_up_the_limit(
    people: People, stages_double: TencentDouble
) -> None:
    """They stay what they are, so the same command would never come to anybody else."""
    for address in (JANE, JOHN):
        people.know(address, mail="m-2")
        people.ledger().erase(address, before=NEVER)
    people.know("jim@example.com", mail="m-2")
    blocked(people, stages_double, "jim@example.com")

    ran = undo("--bulk-id", "m-2", "--limit", "1", "--yes")

    assert ran.code == 0
    assert stages_double.blocked == {}


def test_erased_person_is_counted(people: People, stages_double: TencentDouble) -> None:
    del stages_double
    people.know(JANE, mail="m-2")
    people.ledger().erase(JANE, before=NEVER)

    ran = undo("--bulk-id", "m-2", "--yes")

    assert ran.out.splitlines() == [
        "Nothing is left to undo.",
        "     1  erased people: nobody knows their addresses, so they stay",
    ]


@pytest.mark.parametrize("more", [("--dry-run",), ()])
def test_nothing_changes_without_a_yes(
    people: People, stages_double: TencentDouble, more: tuple[str, ...]
) -> None:
    people.know(JANE, batch="bad")
    blocked(people, stages_double, JANE)

    ran = undo("--batch", "bad", *more, answer="n\n")

    assert "     1  not blocked any more" in ran.out
    assert people.history(JANE).disowned == frozenset()
    assert JANE in stages_double.blocked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((), "Which mistake?"), (("--since", "yesterday"), "'yesterday' is no moment.")],
)
def test_slip_undoes_nothing(people: People, arguments: tuple[str, ...], told: str) -> None:
    people.know(JANE)

    ran = undo(*arguments, "--yes")

    assert told in ran.err
    assert ran.code == 2
    assert people.history(JANE).disowned == frozenset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", 1_790_000_000 - 7200),
        ("3d", 1_790_000_000 - 3 * 86_400),
        ("5 min", 1_790_000_000 - 300),
        ("2026-11-25", 1_795_564_800.0),
        ("2026-11-25T14:30", 1_795_617_000.0),
        ("2026-11-25T14:30+08:00", 1_795_588_200.0),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, moment: float) -> None:
    assert read_moment(text, now=1_790_000_000) == moment


def test_moment_that_is_none_is_a_slip() -> None:
    with pytest.raises(WrongInputError, match=re.escape("'x' is no moment.")):
        read_moment("x", now=0)
