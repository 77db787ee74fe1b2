"""What the command line puts on the queue does what it says, once the consumer has taken it."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cli.logic.times import day_in_shanghai
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD
from local.tencent import TencentDouble
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import People
from tests.cli.running import Account, Ran, run

pytestmark = pytest.mark.integration

STAGE = ("--stage", "local")
JOHN = "john@example.com"
LATER = day_in_shanghai(time.time()) + timedelta(days=30)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def from_dry_run(*more: str, answer: str = "") -> Ran:
    return run("import", "--from-dry-run", *STAGE, *more, answer=answer)


def test_block_ends_at_tencent_with_its_day(people: People, stages_double: TencentDouble) -> None:
    run("block", JANE, "--until", LATER.isoformat(), "--reason", "asked", "--note", "T-1", *STAGE)
    run("block", JOHN, *STAGE)

    failed = people.consume()

    assert failed == []
    expiry = {name: entry.expires_on for name, entry in stages_double.blocked.items()}
    assert expiry == {JANE: LATER, JOHN: None}
    told = run("why", JANE, *STAGE).out
    assert f"operator_block: block until {LATER} (counts)" in told
    assert "note     asked; arn:aws:iam::000000000000:root; T-1" in told


def test_import_ends_at_tencent_with_its_days(people: People, stages_double: TencentDouble) -> None:
    Path("list.csv").write_text(f"email,expires\n{JANE},{LATER}\n{JOHN},\n")

    run("import", "list.csv", "--yes", *STAGE)
    people.consume()

    expiry = {name: entry.expires_on for name, entry in stages_double.blocked.items()}
    assert expiry == {JANE: LATER, JOHN: None}


def test_released_ones_are_blocked_and_held_no_more(
    people: People, account: Account, stages_double: TencentDouble
) -> None:
    held = _two_of_whom_one_is_held(people, stages_double)
    [(body, attributes)] = _held_letters(account)
    account.put(account.dead_letter_queue, body, **attributes)

    run("dead-letters", "release", "--yes", *STAGE)
    people.consume(BRAKE_BLOCKS_PER_MAIL="1")

    assert set(stages_double.blocked) == {JANE, JOHN}
    assert people.history(held).held == frozenset()
    assert people.history(held).applied == FOR_GOOD
    assert _held_letters(account) == []


def test_dropped_ones_stay_held_in_the_ledger(
    people: People, account: Account, stages_double: TencentDouble
) -> None:
    """Somebody said no: the next full mailbox must not block them for it after all."""
    held = _two_of_whom_one_is_held(people, stages_double)

    ran = run("dead-letters", "drop", "--code", "Held", "--yes", *STAGE)

    assert _held_letters(account) == []
    assert len(people.history(held).held) == 1
    assert held not in stages_double.blocked
    assert "(held)" in run("why", held, *STAGE).out
    assert ran.out == ("     1  deleted: the ledger goes on holding them, so they never count\n")


def test_dry_run_is_applied_once_the_stage_is_live(
    people: People, stages_double: TencentDouble
) -> None:
    people.queue(BOUNCE, {**BOUNCE, "email": JOHN, "reason": "", "timestamp": int(time.time())})
    people.consume(DRY_RUN="true")
    assert stages_double.blocked == {}

    ran = from_dry_run("--yes", "--note", "T-7")
    people.consume()

    assert "2 addresses queued." in ran.out
    expiry = {name: entry.expires_on for name, entry in stages_double.blocked.items()}
    assert expiry == {JANE: None, JOHN: LATER}
    assert from_dry_run().out == "Nobody is left whom a dry run decided to block.\n"


def test_dry_run_that_is_applied_twice_blocks_once(
    people: People, stages_double: TencentDouble
) -> None:
    """Stopped half-way and run again, before the consumer has taken what was queued."""
    people.queue(BOUNCE)
    people.consume(DRY_RUN="true")

    from_dry_run("--yes")
    from_dry_run("--yes")
    failed = people.consume()

    assert failed == []
    creations = [each for each in stages_double.requests if "Create" in each.action]
    assert [list(each.emails) for each in creations] == [[JANE]]


@pytest.mark.parametrize("since", ["freed", "blocked", "never dry"])
def test_only_what_a_dry_run_decided_and_nothing_changed_since_is_applied(
    people: People, stages_double: TencentDouble, since: str
) -> None:
    if since == "never dry":
        people.know(JANE, action=Action.BLOCK)
    else:
        people.queue(BOUNCE)
        people.consume(DRY_RUN="true")
    if since == "freed":
        run("unblock", JANE, "--yes", *STAGE)
    if since == "blocked":
        people.queue({**BOUNCE, "bulkId": "another"})
        people.consume()
    before = dict(stages_double.blocked)

    ran = from_dry_run("--yes")

    assert ran.out == "Nobody is left whom a dry run decided to block.\n"
    assert stages_double.blocked == before


@pytest.mark.parametrize("more", [("--dry-run",), ()])
def test_dry_run_is_not_applied_without_a_yes(
    people: People, account: Account, stages_double: TencentDouble, more: tuple[str, ...]
) -> None:
    del stages_double
    people.queue(BOUNCE)
    people.consume(DRY_RUN="true")

    from_dry_run(*more, answer="n\n")

    assert account.messages(account.queue) == []


def test_stage_that_still_is_dry_says_so(
    people: People, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the orders would be taken off the queue, and nobody blocked."""
    from cli import bootstrap  # noqa: PLC0415

    people.queue(BOUNCE)
    people.consume(DRY_RUN="true")
    monkeypatch.setattr(bootstrap, "is_dry_run", lambda _: True)

    ran = from_dry_run("--yes")

    assert "still is a dry run" in ran.err
    assert ran.code == 4
    assert account.messages(account.queue) == []


@pytest.mark.parametrize("arguments", [(), ("list.csv", "--from-dry-run")])
def test_import_needs_to_know_from_where(arguments: tuple[str, ...]) -> None:
    Path("list.csv").write_text("email\na@example.com\n")

    ran = run("import", *arguments, *STAGE)

    assert "Give either a file or --from-dry-run." in ran.err
    assert ran.code == 2


def _two_of_whom_one_is_held(people: People, double: TencentDouble) -> str:
    people.queue(BOUNCE, {**BOUNCE, "email": JOHN})
    people.consume(BRAKE_BLOCKS_PER_MAIL="1")
    assert len(double.blocked) == 1
    [held] = {JANE, JOHN} - set(double.blocked)
    assert people.history(held).held
    return held


def _held_letters(account: Account) -> list[tuple[str, dict[str, str]]]:
    letters = account.messages(account.dead_letter_queue)
    assert all(attributes["ErrorCode"] == "Held" for _, attributes in letters)
    assert all(json.loads(body)["bulkId"] == "mailing-7" for body, _ in letters)
    return letters
