"""`unblock`: the ledger first, then both lists; and whoever is freed stays free."""

import signal
import time
from pathlib import Path

import pytest

from functions.blocklist.domain.history import Fact
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD
from functions.blocklist.services.ports import Change
from local.tencent import TencentDouble, faults
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import NEVER, People
from tests.cli.running import Ran, run, start, stop

pytestmark = pytest.mark.integration

JOHN = "john@example.com"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def unblock(*more: str, answer: str = "") -> Ran:
    return run("unblock", *more, "--stage", "local", "--rate", "20", answer=answer)


def blocked(people: People, double: TencentDouble, address: str = JANE) -> None:
    """Let the pipeline block somebody, and Tencent of its own."""
    people.queue({**BOUNCE, "email": address})
    people.consume()
    double.bounce(address)
    assert address in double.blocked


def test_freed_person_is_on_neither_list_and_no_old_event_blocks_again(
    people: People, stages_double: TencentDouble
) -> None:
    """The promise that nobody else makes: a late or repeated callback undoes nothing."""
    blocked(people, stages_double)

    ran = unblock(JANE, "--note", "T-123", "--yes")
    people.queue(BOUNCE, {**BOUNCE, "bulkId": "late one"})
    people.consume()

    assert ran.out == "     1  unblocked\n"
    assert ran.code == 0
    assert (stages_double.blocked, stages_double.bounced) == ({}, {})
    assert people.history(JANE).applied is None


def test_who_freed_somebody_and_why_is_kept(people: People, stages_double: TencentDouble) -> None:
    blocked(people, stages_double)

    unblock(JANE, "--note", "T-123", "--yes")

    [taken_back] = run("why", JANE, "--stage", "local", "--json").json["taken_back"]
    assert taken_back["by"] == "arn:aws:iam::000000000000:root"
    assert taken_back["note"] == "T-123"
    assert taken_back["everything"]


def test_ledger_is_told_before_anybody_is_taken_off(
    people: People, stages_double: TencentDouble
) -> None:
    """Else an event that is on its way puts the person back, and nobody would know."""
    blocked(people, stages_double)
    stages_double.misbehave(
        faults.error("AuthFailure.UnauthorizedOperation"), action="DeleteCustomBlackList"
    )

    ran = unblock(JANE, "--yes")

    assert ran.code == 4
    assert people.history(JANE).unblocked
    assert JANE in stages_double.blocked

    again = unblock(JANE, "--yes")

    assert again.code == 0
    assert stages_double.blocked == {}


def test_what_happened_since_still_blocks(people: People, stages_double: TencentDouble) -> None:
    """A complaint that came after the operator's word is another matter."""
    blocked(people, stages_double)
    people.know(JANE, "later", at=time.time() + 60)

    ran = unblock(JANE, "--yes")

    assert ran.out == "     1  blocked again by something that happened since: left blocked\n"
    assert ran.code == 1
    assert JANE in stages_double.blocked
    assert people.history(JANE).applied == FOR_GOOD


def test_event_that_comes_while_somebody_is_taken_off_blocks(
    people: People, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline does not wait for operators; what it wrote meanwhile is looked at again."""
    from cli.adapters.tencent import TencentLists  # noqa: PLC0415

    blocked(people, stages_double)
    take_off = TencentLists.unblock

    def complaint_comes_between(lists: TencentLists, addresses: list[str]) -> None:
        monkeypatch.setattr(TencentLists, "unblock", take_off)
        people.know(JANE, "later", at=time.time() + 60)
        seen = people.history(JANE)
        people.ledger().change({JANE: Change(seen, applied=FOR_GOOD)}, before=NEVER)
        take_off(lists, addresses)

    monkeypatch.setattr(TencentLists, "unblock", complaint_comes_between)

    ran = unblock(JANE, "--yes")

    assert "left blocked" in ran.out
    assert JANE in stages_double.blocked
    assert people.history(JANE).applied == FOR_GOOD


@pytest.mark.parametrize("known", ["adopted", "unknown to the ledger"])
def test_entry_of_somebody_else_is_left_unless_it_is_meant(
    people: People, stages_double: TencentDouble, known: str
) -> None:
    """Sales may have put a competitor there by hand, for a reason that no ledger knows."""
    stages_double.block(JANE)
    if known == "adopted":
        fact = Fact("existing:1:", time.time() - 60, Action.BLOCK)
        people.adopt(JANE, fact)

    left = unblock(JANE, "--yes")

    assert left.out == (
        "     1  on the list before the ledger was: left, without --include-existing\n"
    )
    assert left.code == 1
    assert JANE in stages_double.blocked
    assert people.history(JANE).unblocked == frozenset()

    freed = unblock(JANE, "--yes", "--include-existing")

    assert freed.code == 0
    assert stages_double.blocked == {}


def test_only_those_who_are_meant_are_freed(people: People, stages_double: TencentDouble) -> None:
    blocked(people, stages_double)
    blocked(people, stages_double, JOHN)

    unblock(JANE, "--yes")

    assert set(stages_double.blocked) == {JOHN}
    assert people.history(JOHN).unblocked == frozenset()


def test_file_is_freed_a_hundred_at_a_time(people: People, stages_double: TencentDouble) -> None:
    everybody = [f"a{n}@example.com" for n in range(5)]
    for address in everybody:
        people.know(address)
    Path("free.csv").write_text("\n".join(["email", *everybody]))

    first = unblock("--file", "free.csv", "--limit", "3", "--yes")
    second = unblock("--file", "free.csv", "--limit", "3", "--yes")
    third = unblock("--file", "free.csv", "--yes")

    assert first.out == "     3  unblocked\n     2  left: run it again\n"
    assert second.out == "     2  unblocked\n"
    assert third.out == "Nobody is left to unblock.\n"
    deletions = [each.emails for each in stages_double.requests if "DeleteCustom" in each.action]
    assert sum(map(len, deletions)) == 5


def test_killed_run_goes_on_by_the_same_moment(
    people: People, stages_double: TencentDouble, tmp_path: Path
) -> None:
    """
    What happened after the operator's word still blocks, also when the rest is done hours later.

    So the second run must not take the moment of its own.
    """
    everybody = [f"a{n:02}@example.com" for n in range(40)]
    for address in everybody:
        people.know(address)
        stages_double.block(address)
    Path("free.csv").write_text("\n".join(everybody))
    process = start(
        "unblock", "--file", "free.csv", "--stage", "local", "--rate", "5", "--yes", cwd=tmp_path
    )
    stages_double.wait_until(
        lambda: sum(each.action == "DeleteBlackList" for each in stages_double._requests) >= 2,  # noqa: SLF001 - under its lock
        timeout_seconds=30,
    )
    stop(process, signal.SIGKILL)
    last = everybody[-1]
    assert last in stages_double.blocked
    people.know(last, "complaint", at=time.time())

    ran = unblock("--file", "free.csv", "--yes")

    assert set(stages_double.blocked) == {last}
    assert "1  blocked again by something that happened since" in ran.out
    [moment] = {max(people.history(address).unblocked) for address in everybody}
    assert moment < time.time()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give either addresses or --file FILE."),
        ((JANE, "--file", "free.csv"), "Give either addresses or --file FILE."),
        (("nobody",), "nobody: not an address."),
        (("--file", "free.csv"), "free.csv, line 2: not an address."),
        (("--file", "none.csv"), "none.csv cannot be read"),
    ],
)
def test_slip_frees_nobody(people: People, arguments: tuple[str, ...], told: str) -> None:
    people.know(JANE)
    Path("free.csv").write_text(f"{JANE}\nnobody\n")

    ran = unblock(*arguments, "--yes")

    assert told in ran.err
    assert ran.code == 2
    assert people.history(JANE).unblocked == frozenset()


@pytest.mark.parametrize("more", [("--dry-run",), ()])
def test_nobody_is_freed_without_a_yes(people: People, more: tuple[str, ...]) -> None:
    people.know(JANE)

    unblock(JANE, *more, answer="n\n")

    assert people.history(JANE).unblocked == frozenset()


def test_who_is_refused_by_tencent_is_told(people: People, stages_double: TencentDouble) -> None:
    people.know(JANE)
    stages_double.misbehave(faults.error("InvalidParameterValue"), action="DeleteBlackList")

    ran = unblock(JANE, "--yes")

    assert ran.out == "     1  unblocked, but Tencent refuses to take them off its own list\n"
    assert ran.code == 1


def test_stranger_is_freed_and_told_as_one(people: People, stages_double: TencentDouble) -> None:
    """A mistyped address is one; whoever asked for help would stay blocked under the right one."""
    blocked(people, stages_double)

    ran = unblock("jnae@example.com", JANE, "--yes")

    assert ran.out.splitlines() == [
        "     1  unblocked, though neither ledger nor list knew them: is the address right?",
        "     1  unblocked",
    ]
    assert ran.code == 0
    assert people.history("jnae@example.com").unblocked
    assert stages_double.blocked == {}


def test_rescue_marks_people_in_the_ledger(people: People, stages_double: TencentDouble) -> None:
    """A bounce that is still on the queue must not block whom somebody just rescued."""
    stages_double.bounce(JANE, "550 Connection frequency limited")
    run("audit", "--days", "1", "--rate", "20", "--stage", "local")

    ran = run("rescue", "--rate", "20", "--stage", "local", "--yes")
    people.queue(BOUNCE)
    people.consume()

    assert ran.out == "     1  taken off the list\n"
    assert people.history(JANE).unblocked
    assert (stages_double.blocked, stages_double.bounced) == ({}, {})


def test_rescue_leaves_whom_the_stage_blocks_for_a_reason_of_its_own(
    people: People, stages_double: TencentDouble
) -> None:
    """Somebody who complained is alive, and does not want to be rescued."""
    blocked(people, stages_double)
    stages_double.bounce(JANE, "550 Connection frequency limited")
    run("audit", "--days", "1", "--rate", "20", "--stage", "local")

    ran = run("rescue", "--rate", "20", "--stage", "local", "--yes")

    assert ran.out == "     1  blocked by the stage for a reason of its own: left on it\n"
    assert JANE in stages_double.bounced
    assert people.history(JANE).unblocked == frozenset()
