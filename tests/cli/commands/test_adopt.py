"""`adopt`: everything on Tencent's list becomes known, whenever it is stopped."""

import signal
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock
from typing import Any

import pytest

from cli.adapters.ledger import Ledger
from cli.bootstrap import here
from cli.logic.entries import Blocked, BlockedPage, fact_of, next_offset
from functions.blocklist.adapters.pacing import IntervalPacer
from functions.blocklist.adapters.tencent_api import TencentApi
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.terms import FOR_GOOD
from local.quirks import set_mapping_state
from local.tencent import TencentDouble
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import People
from tests.cli.running import Account, Ran, run, start, stop
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

FAR = date(2100, 1, 31)


def adopt(*more: str) -> Ran:
    return run("adopt", "--stage", "local", *more)


def test_what_is_on_the_list_blocks_in_the_ledger_as_it_does_there(
    people: People, stages_double: TencentDouble
) -> None:
    stages_double.block(JANE)
    stages_double.block("joe@example.com", FAR)

    ran = adopt()

    assert ran.out == "        2  entries read\n        2  adopted; the others the ledger knew\n"
    assert people.history(JANE).applied == FOR_GOOD
    joe = people.history("joe@example.com")
    assert (joe.applied, [fact.until for fact in joe.facts]) == (FAR, [FAR])
    assert time.time() - joe.facts[0].at < 60


def test_consumer_does_not_ask_for_what_was_adopted(
    people: People, stages_double: TencentDouble
) -> None:
    """Nor does it make anew, with a day of ours, what somebody put there for good."""
    stages_double.block(JANE)
    adopt()

    people.queue({**BOUNCE, "reason": ""})
    people.consume()

    assert stages_double.blocked[JANE].expires_on is None
    assert not [each for each in stages_double.requests if each.action == "CreateCustomBlacklist"]


def test_own_blocks_stay_own(people: People, stages_double: TencentDouble) -> None:
    people.queue(BOUNCE)
    people.consume()
    before = people.history(JANE)

    ran = adopt()

    assert "0  adopted" in ran.out
    assert people.history(JANE) == before
    assert JANE in stages_double.blocked


def test_killed_run_goes_on_and_adopts_everybody(
    people: People, stages_double: TencentDouble, tmp_path: Path
) -> None:
    everybody = [f"a{n:04}@example.com" for n in range(950)]
    for address in everybody:
        stages_double.block(address)
    process = start("adopt", "--stage", "local", "--rate", "5", cwd=tmp_path)
    wait_until(lambda: "offset" in people.ledger()._table.read("adopt"))  # noqa: SLF001 - the only way to see it
    stop(process, signal.SIGKILL)
    asked = len(stages_double.requests)

    ran = adopt("--rate", "20")

    assert 0 < asked < 10
    assert len(stages_double.requests) - asked < 10
    assert ran.code == 0
    known = [each for each in everybody if people.history(each).applied]
    assert known == everybody
    assert "Done already" in adopt().out


def test_nobody_is_missed_when_entries_are_taken_off_meanwhile(
    people: People, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that goes moves those behind it up, past the beginning of the next page."""
    for n in range(250):
        stages_double.block(f"a{n:04}@example.com")
    adopt_page = Ledger.adopt
    gone = [f"a{n:04}@example.com" for n in range(240, 250)]

    def take_off_meanwhile(ledger: Ledger, facts: dict[str, Fact]) -> int:
        with stages_double._changed:  # noqa: SLF001 - as another caller would
            for address in gone:
                stages_double._lists.custom.pop(address, None)  # noqa: SLF001 - as above
        return adopt_page(ledger, facts)

    monkeypatch.setattr(Ledger, "adopt", take_off_meanwhile)

    adopt("--rate", "20")

    assert all(people.history(f"a{n:04}@example.com").applied for n in range(240))


def test_pages_are_asked_for_side_by_side_at_one_pace(
    people: People, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tencent may take half a second for an answer: one at a time, the pace would never be reached.

    Two that ask the pacer at once would start at once.
    """
    del people
    for n in range(950):
        stages_double.block(f"a{n:04}@example.com")
    together, inside, at_once = Barrier(3), Lock(), []

    def call(api: TencentApi, action: str, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - as it is
        if more[0].get("Offset"):
            with suppress(BrokenBarrierError):  # the last pages are too few
                together.wait(timeout=5)
        return ask(api, action, *more, **named)

    def wait(pacer: IntervalPacer, *, before: float) -> bool:
        at_once.append(inside.acquire(blocking=False))
        try:
            return pace(pacer, before=before)
        finally:
            inside.release()

    ask, pace = TencentApi.call, IntervalPacer.wait
    monkeypatch.setattr(TencentApi, "call", call)
    monkeypatch.setattr(IntervalPacer, "wait", wait)

    ran = adopt("--rate", "20")

    assert "950  adopted" in ran.out
    assert len(stages_double.requests) == 10
    assert not together.broken
    assert all(at_once)


def test_pages_are_written_side_by_side_and_remembered_in_their_order(
    people: People, stages_double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is stopped goes on behind what is written, and never behind what is not."""
    newest_first = [f"a{n:04}@example.com" for n in reversed(range(450))]
    for address in reversed(newest_first):
        stages_double.block(address)
    two_others_are, written = Event(), set[str]()
    waited: list[bool] = []
    remembered: list[tuple[float, set[str]]] = []

    def write(ledger: Ledger, facts: dict[str, Fact]) -> int:
        if newest_first[0] in facts:
            waited.append(two_others_are.wait(timeout=10))
        number = write_page(ledger, facts)
        written.update(facts)
        if len(written) >= 200:
            two_others_are.set()
        return number

    def remember(ledger: Ledger, **numbers: float) -> None:
        missing = set(newest_first[: int(numbers["offset"])]) - written
        remembered.append((numbers["offset"], missing))
        note(ledger, **numbers)

    write_page, note = Ledger.adopt, Ledger.remember_adoption
    monkeypatch.setattr(Ledger, "adopt", write)
    monkeypatch.setattr(Ledger, "remember_adoption", remember)

    ran = adopt("--rate", "20")

    assert "450  adopted" in ran.out
    assert waited == [True]
    assert remembered == [(offset, set()) for offset in (100, 200, 300, 400, 450, 0)]
    assert all(people.history(each).applied for each in newest_first)


def test_pace_is_a_quarter_unless_the_stage_is_paused(
    people: People,
    account: Account,
    stages_double: TencentDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A paused pipeline needs nothing of what the account may ask for."""
    del people, stages_double
    paces: list[float] = []
    make_pacer = here.pacer

    def noting(pace: float) -> IntervalPacer:
        paces.append(pace)
        return make_pacer(pace)

    monkeypatch.setattr(here, "pacer", noting)

    adopt()
    set_mapping_state(account.functions, account.mapping, enabled=True)
    adopt("--again")

    assert paces == [20, 5]


def test_dry_run_reads_one_page_and_writes_nothing(
    people: People, stages_double: TencentDouble
) -> None:
    stages_double.block(JANE)

    ran = adopt("--dry-run")

    assert ran.out == "1 entries would be read.\n"
    assert people.history(JANE) == History()


def test_doctor_warns_until_it_has_run(people: People, stages_double: TencentDouble) -> None:
    del people, stages_double

    before = {each["name"]: each for each in _doctor()}["ledger"]
    adopt()
    after = {each["name"]: each for each in _doctor()}["ledger"]

    assert before["state"] == "warning"
    assert before["mend"] == "ses-blocklist adopt --stage local"
    assert after["state"] == "ok"


@pytest.mark.parametrize(
    ("created_at", "at"),
    [("2024-06-26 16:46:30", 1_719_391_590.0), ("", 0.0), ("2024-13-45 99:99:99", 0.0)],
)
def test_entry_is_as_old_as_tencent_says(created_at: str, at: float) -> None:
    """One of unknown age is as old as can be: any unblock takes it back."""
    found = fact_of(Blocked(7, "jane@EXAMPLE.com", created_at, "2024-06-19"))

    assert found == (
        JANE,
        Fact("existing:7:2024-06-19", at, Action.BLOCK, until=date(2024, 6, 19)),
    )


def test_what_is_no_address_is_left_out() -> None:
    assert fact_of(Blocked(7, "nobody", "2024-06-26 16:46:30", "")) is None


@pytest.mark.parametrize(
    ("total_before", "total", "expected"),
    [(None, 300, 200), (300, 300, 200), (300, 290, 90), (300, 100, 0), (300, None, 200)],
)
def test_next_page_begins_where_nobody_is_missed(
    total_before: int | None, total: int | None, expected: int
) -> None:
    page = BlockedPage([Blocked(n, "", "", "") for n in range(100)], total)

    assert next_offset(100, page, total_before=total_before) == expected


def _doctor() -> list[dict[str, str]]:
    told: list[dict[str, str]] = run("doctor", "--stage", "local", "--json").json
    return told
