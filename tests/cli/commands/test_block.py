"""`block` and `import`: the queue gets each address once, as an operator's."""

import json
import re
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.logic.times import day_in_shanghai
from tests.cli.running import Account, Ran, run, start, stop
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

TOMORROW = (day_in_shanghai(time.time()) + timedelta(days=1)).isoformat()
LATER = (day_in_shanghai(time.time()) + timedelta(days=30)).isoformat()
TODAY = day_in_shanghai(time.time()).isoformat()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def block(*more: str) -> Ran:
    return run("block", "--stage", "local", *more)


def import_csv(text: str, *more: str, answer: str = "") -> Ran:
    Path("list.csv").write_text(text, encoding="utf-8")
    return run("import", "list.csv", "--stage", "local", *more, answer=answer)


def queued(account: Account) -> list[dict[str, Any]]:
    """Give what was queued, each of which must be an operator's."""
    messages = account.messages(account.queue)
    assert all(attributes == {"Origin": "operator"} for _, attributes in messages)
    return sorted((json.loads(body) for body, _ in messages), key=lambda each: str(each["email"]))


def test_order_says_everything_that_the_consumer_reads(account: Account) -> None:
    before = int(time.time())

    ran = block("a@EXAMPLE.com", "--until", TOMORROW, "--reason", "asked", "--note", "T-1")

    [order] = queued(account)
    assert before <= order.pop("timestamp") <= time.time()
    assert order == {
        "event": "operator_block",
        "email": "a@example.com",
        "until": TOMORROW,
        "reason": "asked",
        "by": "arn:aws:iam::000000000000:root",
        "note": "T-1",
    }
    assert ran.out == "1 address queued.\n"
    assert ran.code == 0


def test_block_without_a_day_is_for_good(account: Account) -> None:
    block("a@example.com")

    [order] = queued(account)
    assert set(order) == {"event", "email", "timestamp", "by"}


def test_address_that_is_named_twice_is_queued_once(account: Account) -> None:
    block("a@example.com", "a@Example.com", "A@example.com")

    assert [order["email"] for order in queued(account)] == ["A@example.com", "a@example.com"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a@example.com", "nobody"), "nobody: not an address."),
        (("a@example.com", "--until", TODAY), f"{TODAY} is over."),
        (("a@example.com", "--until", "31.01.2031"), "'31.01.2031' is no day like 2027-01-31."),
        (("a@example.com", "--until", "2031-02-30"), "'2031-02-30' is no day"),
    ],
)
def test_slip_queues_nobody(account: Account, arguments: tuple[str, ...], told: str) -> None:
    ran = block(*arguments)

    assert told in ran.err
    assert "Nothing was queued." in ran.err
    assert ran.code == 2
    assert queued(account) == []


def test_dry_run_queues_nobody(account: Account) -> None:
    assert block("a@example.com", "--dry-run").out == "1 address would be queued.\n"
    assert import_csv("email\na@example.com\n", "--dry-run").out.endswith("would be queued.\n")
    assert queued(account) == []


def test_stage_that_does_not_block_is_told(account: Account) -> None:
    """Whoever blocks somebody at night goes to bed believing it."""
    del account

    assert "Stage local is paused" in block("a@example.com").err


def test_file_of_another_provider_is_read_as_it_is(account: Account) -> None:
    """SendGrid's export, for one."""
    ran = import_csv(
        "\ufeffstatus,reason,email,created\n"
        "5.1.1,550 user unknown,a@example.com,2020-01-01\n"
        '5.1.1,"550, said ""no""",b@example.com,2020-01-01\n\n',
        "--yes",
        "--note",
        "move",
    )

    assert [(order["email"], order["reason"], order["note"]) for order in queued(account)] == [
        ("a@example.com", "550 user unknown", "move"),
        ("b@example.com", '550, said "no"', "move"),
    ]
    assert ran.out == "2 rows, 2 addresses.\n2 addresses queued.\n"


def test_columns_can_be_named(account: Account) -> None:
    columns = ("--column", "address=who", "--column", "until=Bis", "--reason", "list of 2020")

    import_csv(f"email;who;Bis\nx;a@example.com;{LATER}T00:00:00Z\n", *columns, "--yes")

    [order] = queued(account)
    assert (order["email"], order["until"], order["reason"]) == (
        "a@example.com",
        LATER,
        "list of 2020",
    )


def test_longest_term_of_an_address_counts(account: Account) -> None:
    import_csv(
        f"email,until\na@example.com,{LATER}\na@example.com,{TOMORROW}\n"
        f"b@example.com,{LATER}\nb@example.com,\nb@example.com,{TOMORROW}\n",
        "--yes",
    )

    assert [order.get("until") for order in queued(account)] == [LATER, None]


def test_bad_rows_are_named_by_line_and_leave_the_others_alone(account: Account) -> None:
    ran = import_csv(
        'email,until,x\na@example.com,,"two\nlines"\nnobody,,\nb@example.com,soon,\n'
        f"c@example.com,{TODAY}\n",
        "--yes",
    )

    assert ran.err.splitlines()[:4] == [
        "Not used: x. If one of them should be: --column",
        "line 4: not an address",
        "line 5: 'soon' is no day like 2027-01-31",
        f"line 6: {TODAY} is over",
    ]
    assert "3 rows were left out." in ran.err
    assert ran.code == 1
    assert [order["email"] for order in queued(account)] == ["a@example.com"]


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("name,age\n", (), "It has: name, age"),
        ("", (), "list.csv is empty."),
        ("email\n", ("--column", "address=Mail"), "has no column 'Mail'"),
        ("email\n", ("--column", "adress=email"), "--column adress=email is not understood"),
    ],
)
def test_file_without_addresses_says_what_it_has(
    account: Account, text: str, more: tuple[str, ...], told: str
) -> None:
    ran = import_csv(text, *more, "--yes")

    assert told in ran.err
    assert ran.code == 2
    assert queued(account) == []


@pytest.mark.parametrize("content", [b"email\n\xff\xfe", b"email\n" + b"x" * 200_000])
def test_file_that_is_no_csv_is_no_crash(account: Account, content: bytes) -> None:
    del account
    Path("list.csv").write_bytes(content)

    ran = run("import", "list.csv", "--stage", "local", "--yes")

    assert "list.csv is no CSV file in UTF-8." in ran.err
    assert ran.code == 2


def test_import_asks_first(account: Account) -> None:
    ran = import_csv("email\na@example.com\n", answer="n\n")

    assert "Block 1 address of stage local?" in ran.err
    assert ran.code == 1
    assert queued(account) == []


def test_killed_import_goes_on_and_queues_everybody(account: Account, tmp_path: Path) -> None:
    everybody = {f"a{number:04}@example.com" for number in range(2000)}
    Path("list.csv").write_text("email\n" + "\n".join(sorted(everybody)))
    process = start("import", "list.csv", "--stage", "local", "--yes", cwd=tmp_path)
    wait_until(lambda: Path("list.csv.queued").exists())
    stop(process, signal.SIGKILL)

    ran = run("import", "list.csv", "--stage", "local", "--yes")

    emails = [order["email"] for order in queued(account)]
    assert set(emails) == everybody
    assert len(emails) <= len(everybody) + 100
    earlier = re.search("([0-9]+) addresses queued by an earlier run.", ran.out)
    assert earlier
    assert 100 <= int(earlier[1]) < len(everybody)


def test_import_that_is_done_is_not_done_again(account: Account) -> None:
    import_csv("email\na@example.com\n", "--yes")

    again = import_csv("email\na@example.com\n", "--yes")
    more = import_csv("email\na@example.com\nb@example.com\n", "--yes")

    assert again.out == "1 row, 1 address.\n1 address queued by an earlier run.\n"
    assert "2 addresses queued." in more.out
    assert len(queued(account)) == 3


def test_columns_that_are_not_used_are_told(account: Account) -> None:
    """Whoever meant one for the expiry would else block people for good, and never know."""
    ran = import_csv("email,Ende,grund\na@example.com,2100-01-31,asked\n", "--dry-run")

    assert "Not used: Ende, grund. If one of them should be: --column" in ran.err
    assert queued(account) == []


def test_expiry_can_be_named_as_files_call_it(account: Account) -> None:
    import_csv("email,Ende\na@example.com,2100-01-31\n", "--column", "expiry=Ende", "--yes")

    assert [order["until"] for order in queued(account)] == ["2100-01-31"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "list.csv is empty."),
        ("\n", "list.csv is empty."),
        ("a@example.com\nb@example.com\n", "list.csv begins with an address."),
    ],
)
def test_file_without_a_header_line_says_what_to_do(
    account: Account, content: str, problem: str
) -> None:
    """Its first address would else pass for a column's name, and be left out."""
    ran = import_csv(content, "--yes")

    assert problem in ran.err
    assert ran.code == 2
    assert queued(account) == []
