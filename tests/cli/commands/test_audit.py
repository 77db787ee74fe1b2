"""`audit` and `rescue`, against a double of Tencent's own list."""

import math
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from local.tencent import TencentDouble, faults
from tests.cli.running import Ran, run, start, stop

GONE = "550 5.1.1 <jane@example.com> user unknown"
LIMITED = "550 Connection frequency limited"
STRANGE = "550 Qwerty asdf jane@example.com"
DAY_SECONDS = 86_400
#: Fast enough for a test, and still what the option allows.
FAST = ("--rate", "20")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bounce(double: TencentDouble) -> Callable[..., None]:
    """Put somebody on Tencent's own list, *days_ago*."""

    def put(address: str, text: str, *, days_ago: int = 0) -> None:
        clock = double.now
        double.now = lambda: time.time() - days_ago * DAY_SECONDS
        double.bounce(address, text)
        double.now = clock

    return put


def audit(*more: str, days: int = 1) -> Ran:
    return run("audit", "--days", str(days), *FAST, *more)


def rescue(*more: str) -> Ran:
    return run("rescue", *FAST, "--yes", *more)


def calls(double: TencentDouble, action: str) -> int:
    return sum(request.action == action for request in double.requests)


def test_audit_tells_the_living_from_the_dead(bounce: Callable[..., None]) -> None:
    for number in range(3):
        bounce(f"gone{number}@gmail.com", GONE)
    bounce("limited@qq.com", LIMITED)
    bounce("full@qq.com", "552 5.2.2 mailbox full")
    bounce("strange@example.com", STRANGE)
    bounce("silent@example.net", "")

    ran = audit()

    first, *rest = ran.out.splitlines()
    assert first.endswith(": 7 addresses")
    assert "\n".join(rest) + "\n" == dedent(
        """
        mailbox provider  dead  probably alive  unknown
        Google               3               0        0
        QQ                   0               2        0
        others               0               0        2
        all                  3               2        2

        Probably alive, by what was said: mailbox_full 1, rate_limited 1

        The commonest texts that tell nothing:
             1  (no text)
             1  550 Qwerty asdf …

        Written to ses-blocklist-audit.csv. Read it, then: ses-blocklist rescue --from ses-blocklist-audit.csv
        """  # noqa: E501 - as it is shown
    )
    assert ran.code == 0


def test_audit_is_told_to_programs_too(bounce: Callable[..., None]) -> None:
    bounce("limited@qq.com", LIMITED)

    told = audit("--json", "--to", "found.csv").json

    assert told["lives"] == {"dead": 0, "alive": 1, "unknown": 0}
    assert told["by_provider"] == {"QQ": {"dead": 0, "alive": 1, "unknown": 0}}
    assert told["reasons_alive"] == {"rate_limited": 1}
    assert told["file"] == "found.csv"
    assert Path("found.csv").exists()


def test_audit_reads_every_page_of_every_day(
    double: TencentDouble, bounce: Callable[..., None]
) -> None:
    for number in range(201):
        bounce(f"a{number}@qq.com", LIMITED, days_ago=1)
    bounce("b@qq.com", LIMITED)

    told = audit("--json", days=3).json

    assert told["addresses"] == 202
    assert calls(double, "ListBlackEmailAddress") == 1 + 3 + 1


def test_file_is_its_owners_alone(bounce: Callable[..., None]) -> None:
    """It is a list of people."""
    bounce("a@qq.com", LIMITED)

    audit()

    mode = Path("ses-blocklist-audit.csv").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_texts_are_written_without_addresses(bounce: Callable[..., None]) -> None:
    bounce("strange@example.com", STRANGE)

    ran = audit()

    assert "jane" not in Path("ses-blocklist-audit.csv").read_text() + ran.out


def test_file_that_somebody_may_have_worked_on_is_not_overwritten(double: TencentDouble) -> None:
    file = Path("ses-blocklist-audit.csv")
    file.write_text("by hand")

    ran = audit()

    assert "is there already" in ran.err
    assert ran.code == 2
    assert file.read_text() == "by hand"
    assert double.requests == []


def test_stopped_audit_goes_on_with_the_day_it_was_at(
    double: TencentDouble, bounce: Callable[..., None], tmp_path: Path
) -> None:
    for days_ago in range(3):
        bounce(f"a{days_ago}@qq.com", LIMITED, days_ago=days_ago)
    double.misbehave(faults.NONE, times=2)
    double.misbehave(faults.hang())
    process = start("audit", "--days", "3", *FAST, cwd=tmp_path)
    assert double.wait_until(lambda: len(double.requests) == 3, timeout_seconds=30)

    stopped = stop(process)
    double.behave()
    ran = audit("--json", days=3)

    assert (stopped.code, stopped.out) == (130, "")
    assert "the same command goes on from there" in stopped.err
    assert ran.json["addresses"] == 3
    assert len(double.requests) == 3 + 1
    assert not Path("ses-blocklist-audit.csv.part").exists()


def test_another_account_does_not_go_on_with_the_first_ones_days(
    double: TencentDouble,
    bounce: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Its people would be looked for on a list that they are not on."""
    bounce("a@qq.com", LIMITED, days_ago=1)
    double.misbehave(faults.NONE)
    double.misbehave(faults.hang())
    process = start("audit", "--days", "2", *FAST, cwd=tmp_path)
    assert double.wait_until(lambda: len(double.requests) == 2, timeout_seconds=30)
    stop(process, signal.SIGKILL)
    double.behave()
    double.secret_id = "AKIDanother"
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDanother")

    audit(days=2)

    assert len(double.requests) == 2 + 2


def test_only_the_living_are_rescued(double: TencentDouble, bounce: Callable[..., None]) -> None:
    bounce("gone@qq.com", GONE)
    bounce("strange@qq.com", STRANGE)
    bounce("limited@qq.com", LIMITED)
    audit()

    ran = rescue()

    assert set(double.bounced) == {"gone@qq.com", "strange@qq.com"}
    assert ran.out == "     1  taken off the list\n"
    assert ran.code == 0


def test_what_a_person_wrote_into_the_file_counts(
    double: TencentDouble, bounce: Callable[..., None]
) -> None:
    bounce("strange@qq.com", STRANGE)
    audit()
    file = Path("ses-blocklist-audit.csv")
    file.write_text(file.read_text().replace("unknown,QQ", "alive,QQ"))

    rescue()

    assert double.bounced == {}


def test_person_who_died_since_the_audit_stays_on_the_list(
    double: TencentDouble, bounce: Callable[..., None]
) -> None:
    """The file may be weeks old."""
    bounce("a@qq.com", LIMITED, days_ago=1)
    bounce("b@qq.com", LIMITED, days_ago=1)
    bounce("c@qq.com", LIMITED, days_ago=1)
    audit(days=2)
    bounce("a@qq.com", GONE)
    bounce("b@qq.com", LIMITED)
    run_off_the_list = double._lists.automatic.pop  # noqa: SLF001 - as somebody else would
    run_off_the_list("c@qq.com")

    ran = rescue()

    assert set(double.bounced) == {"a@qq.com"}
    assert "1  bounced again since" in ran.out
    assert "1  not on the list any more" in ran.out


def test_run_takes_no_more_than_its_limit(
    double: TencentDouble, bounce: Callable[..., None]
) -> None:
    """A rule that is wrong about many must not bring all of them back at once."""
    for number in range(5):
        bounce(f"a{number}@qq.com", LIMITED)
    audit()

    first = rescue("--limit", "3")
    second = rescue("--limit", "3")
    third = rescue("--limit", "3")

    assert first.out.splitlines() == ["     3  taken off the list", "     2  left: run it again"]
    assert second.out.splitlines() == ["     2  taken off the list"]
    assert third.out == "Nobody is left to rescue.\n"
    assert double.bounced == {}


def test_limit_is_a_hundred_unless_said_otherwise(bounce: Callable[..., None]) -> None:
    for number in range(101):
        bounce(f"a{number}@qq.com", LIMITED)
    audit()

    ran = run("rescue", "--dry-run")

    assert ran.out == "100 of 101 would be taken off Tencent's own list.\n"


@pytest.mark.parametrize("arguments", [("--dry-run",), ()])
def test_nobody_is_rescued_unasked(
    double: TencentDouble, bounce: Callable[..., None], arguments: tuple[str, ...]
) -> None:
    bounce("a@qq.com", LIMITED)
    audit()

    run("rescue", *arguments, answer="n\n")

    assert calls(double, "DeleteBlackList") == 0
    assert set(double.bounced) == {"a@qq.com"}


def test_killed_rescue_goes_on_where_it_was(
    double: TencentDouble, bounce: Callable[..., None], tmp_path: Path
) -> None:
    """Killed after Tencent did it and before that was noted: doing it again is harmless."""
    for number in range(25):
        bounce(f"a{number:02}@qq.com", LIMITED)
    audit()
    double.misbehave(faults.NONE, action="DeleteBlackList")
    double.misbehave(faults.late(30), action="DeleteBlackList")
    process = start("rescue", "--yes", *FAST, cwd=tmp_path)
    assert double.wait_until(lambda: calls(double, "DeleteBlackList") == 2, timeout_seconds=30)
    stop(process, signal.SIGKILL)
    assert len(double.bounced) == 5

    ran = rescue()

    assert double.bounced == {}
    assert ran.out.split("\n")[:2] == [
        "    10  not on the list any more",
        "     5  taken off the list",
    ]


def test_address_that_tencent_refuses_holds_up_nobody_else(
    double: TencentDouble, bounce: Callable[..., None]
) -> None:
    for number in range(4):
        bounce(f"a{number}@qq.com", LIMITED)
    audit()
    double.misbehave(
        faults.error("InvalidParameterValue"),
        times=math.inf,
        action="DeleteBlackList",
        emails=lambda emails: "a2@qq.com" in emails,
    )

    ran = rescue()

    assert set(double.bounced) == {"a2@qq.com"}
    assert "     3  taken off the list" in ran.out
    assert ran.code == 1


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        (faults.error("AuthFailure.SignatureFailure"), 4, "Tencent does not know the key"),
        (faults.error("AuthFailure.SignatureExpire"), 4, "clock is off"),
        (faults.error("UnauthorizedOperation"), 4, "Allow ses:ListBlackEmailAddress"),
        (faults.error("UnsupportedRegion"), 4, "endpoint and region"),
        (faults.error("InvalidParameterValue.WrongDate"), 4, "InvalidParameterValue.WrongDate"),
    ],
)
def test_what_must_be_mended_is_said(
    double: TencentDouble, fault: faults.Fault, code: int, told: str
) -> None:
    double.misbehave(fault, times=math.inf)

    ran = audit()

    assert told in ran.err
    assert ran.code == code
    assert len(double.requests) == 1


@pytest.mark.parametrize("fault", [faults.error("RequestLimitExceeded"), faults.html(502)])
def test_weather_passes(
    double: TencentDouble, bounce: Callable[..., None], fault: faults.Fault
) -> None:
    bounce("a@qq.com", LIMITED)
    double.misbehave(fault)

    assert audit("--json").json["addresses"] == 1


def test_secrets_and_vendors_texts_are_never_shown(double: TencentDouble) -> None:
    """The double puts both into every message of an error."""
    double.misbehave(faults.error("AuthFailure.SignatureFailure"), times=math.inf)

    ran = audit()

    assert double.secret_key not in ran.out + ran.err
    assert "recipient@example.com" not in ran.out + ran.err


def test_without_a_key_it_says_where_one_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)

    ran = audit()

    assert "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY" in ran.err
    assert ran.code == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("life", "lief"), "it has no column life"),
        (("alive", "maybe"), "line 2: life is 'maybe'"),
        ((time.strftime("%Y-"), "25/11/"), "Did a spreadsheet change it?"),
    ],
)
def test_file_that_cannot_be_read_says_why(
    double: TencentDouble, bounce: Callable[..., None], change: tuple[str, str], told: str
) -> None:
    bounce("a@qq.com", LIMITED)
    audit()
    file = Path("ses-blocklist-audit.csv")
    file.write_text(file.read_text().replace(*change))

    ran = rescue()

    assert told in ran.err
    assert ran.code == 2
    assert calls(double, "DeleteBlackList") == 0


def test_rescue_without_an_audit_says_how_to_make_one() -> None:
    ran = rescue("--from", "nothing.csv")

    assert "ses-blocklist audit --to FILE" in ran.err
    assert ran.code == 2
