"""`export` and `verify`: the ledger for other systems, and Tencent's list against the ledger."""

import csv
import time
from datetime import date

import pytest

from local.tencent import TencentDouble
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import NEVER, People
from tests.cli.running import Ran, run

pytestmark = pytest.mark.integration

STAGE = ("--stage", "local")


def rows(ran: Ran) -> list[dict[str, str]]:
    return list(csv.DictReader(ran.out.splitlines()))


@pytest.mark.parametrize(
    "form", [(), ("--format", "csv"), ("--format", "json"), ("--json",)], ids=" ".join
)
def test_every_event_is_a_row_with_all_that_is_kept_of_it(
    people: People, stages_double: TencentDouble, form: tuple[str, ...]
) -> None:
    del stages_double
    people.queue(BOUNCE)
    people.consume()

    ran = run("export", *form, *STAGE)

    [row] = ran.json_lines if form[-1:] in {("json",), ("--json",)} else rows(ran)
    assert {name: row[name] for name in ("address", "kind", "action", "standing", "reply")} == {
        "address": JANE,
        "kind": "hard_bounce",
        "action": "block",
        "standing": "counts",
        "reply": "550 5.1.1 …: user unknown",
    }
    assert (row["blocked_until"], row["mail"], row["at"]) == (
        "for good",
        "mailing-7",
        "2026-09-21T14:13:20+00:00",
    )
    assert ran.code == 0


def test_only_what_was_decided_in_the_time_is_exported(people: People) -> None:
    people.know(JANE, "old", decided_at=time.time() - 40 * 86_400)
    people.know(JANE, "new")

    assert len(rows(run("export", *STAGE))) == 1
    assert len(rows(run("export", "--since", "60d", *STAGE))) == 2
    assert rows(run("export", "--until", "50d", "--since", "60d", *STAGE)) == []


def test_spreadsheet_takes_nothing_for_a_formula(people: People) -> None:
    """A mail server's reply is a stranger's text, and opens on an operator's machine."""
    people.know("=1+1@example.com", mail="=HYPERLINK(1)")

    [row] = rows(run("export", *STAGE))
    [exact] = run("export", "--format", "json", *STAGE).json_lines

    assert (row["address"], row["mail"]) == ("'=1+1@example.com", "'=HYPERLINK(1)")
    assert (exact["address"], exact["mail"]) == ("=1+1@example.com", "=HYPERLINK(1)")


def test_erased_person_is_exported_without_the_address(people: People) -> None:
    people.know(JANE)
    people.ledger().erase(JANE, before=NEVER)

    [row] = rows(run("export", *STAGE))

    assert (row["address"], row["action"]) == ("", "block")


def test_list_that_is_as_the_ledger_says_is_in_order(
    people: People, stages_double: TencentDouble
) -> None:
    people.queue(BOUNCE, {**BOUNCE, "email": "joe@example.com", "reason": "", "timestamp": now()})
    people.consume()
    assert stages_double.blocked["joe@example.com"].expires_on

    ran = run("verify", *STAGE)

    assert ran.out == "2 of 2 who were blocked were looked up.\n"
    assert ran.code == 0


def test_who_is_missing_or_there_for_another_time_is_told(
    people: People, stages_double: TencentDouble
) -> None:
    """Somebody cleaned up in the console, or the list is another account's."""
    people.queue(BOUNCE, {**BOUNCE, "email": "joe@example.com"})
    people.consume()
    with stages_double._changed:  # noqa: SLF001 - as somebody does in the console
        stages_double._lists.custom.clear()  # noqa: SLF001 - as above
    stages_double.block("joe@example.com", date(2100, 1, 31))

    ran = run("verify", *STAGE)
    told = run("verify", "--json", *STAGE).json

    assert sorted(ran.out.splitlines()[1:]) == [
        "jane@example.com: is not on the list",
        "joe@example.com: is on it until 2100-01-31, and should be for good",
    ]
    assert ran.code == 1
    assert (told["blocked_lately"], told["looked_up"], len(told["wrong"])) == (2, 2, 2)


def test_no_more_are_looked_up_than_asked_for(people: People, stages_double: TencentDouble) -> None:
    people.queue(*({**BOUNCE, "email": f"a{n}@example.com"} for n in range(5)))
    people.consume()

    run("verify", "--sample", "2", *STAGE)

    looked_up = [each for each in stages_double.requests if each.action == "ListCustomBlacklist"]
    assert len(looked_up) == 2


def test_who_was_freed_since_is_not_missed(people: People, stages_double: TencentDouble) -> None:
    del stages_double
    people.queue(BOUNCE)
    people.consume()
    run("unblock", JANE, "--yes", *STAGE)

    assert run("verify", *STAGE).out == "0 of 0 who were blocked were looked up.\n"


def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("command", ["export", "report", "undo"])
def test_period_that_ends_before_it_begins_is_refused(people: People, command: str) -> None:
    """An empty answer would look as if there was nothing."""
    del people

    ran = run(command, "--since", "1h", "--until", "2h", "--stage", "local")

    assert "--until 2h is not after --since 1h." in ran.err
    assert ran.code == 2
