"""`report`: who was blocked and why, for people, for programs, and as a page for a browser."""

import base64
import re
import shutil
import subprocess
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest

from local.tencent import TencentDouble
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import NEVER, People
from tests.cli.running import Ran, run

pytestmark = pytest.mark.integration

STRANGE = "550 Qwerty asdf <script>alert(1)</script> =1+1"
#: Any of them: they take the same words.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VOID = {"meta", "img"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def week(people: People, stages_double: TencentDouble) -> People:
    """Give a stage that blocked three people, held none, and only took note of one."""
    del stages_double
    for number, domain in enumerate(("qq.com", "qq.com", "gmail.com")):
        people.queue({**BOUNCE, "email": f"a{number}@{domain}"})
    people.queue(
        {**BOUNCE, "email": "limited@qq.com", "reason": "550 Connection frequency limited"}
    )
    people.queue({**BOUNCE, "email": "strange@example.com", "reason": STRANGE})
    people.consume()
    return people


def report(*more: str) -> Ran:
    return run("report", "--stage", "local", *more)


def test_people_and_events_are_counted(week: People) -> None:
    del week

    ran = report()

    first, *rest = ran.out.splitlines()
    assert re.fullmatch(r"Stage local from \S+ \S+ to \S+ \S+ UTC", first)
    assert "\n".join(rest) + "\n" == dedent(
        """\
             3  blocked
             0  would have been blocked: a dry run
             0  held by the brake

        reason        people
        address_gone       3

        mailbox provider  people
        QQ                     2
        Google                 1

        sender                 people
        news@mail.example.org       3

        label        what the reply says  events
        hard_bounce  address_gone              3
        hard_bounce  rate_limited              1
        hard_bounce  unknown                   1

        The commonest replies that no rule knows:
             1  550 Qwerty asdf <script>alert(1)</script> =1+1
        """
    )
    assert ran.code == 0


def test_dry_run_is_told_apart(people: People, stages_double: TencentDouble) -> None:
    """That is what a week of it is for."""
    people.queue(BOUNCE)
    people.consume(DRY_RUN="true")

    told = report("--json").json

    assert stages_double.blocked == {}
    assert told["people"] == {"blocked": 0, "dry-run": 1, "held": 0}
    assert told["by_reason"] == {"address_gone": 1}
    assert sum(told["by_day"].values()) == 1


def test_held_people_are_not_among_the_blocked(
    people: People, stages_double: TencentDouble
) -> None:
    people.queue(BOUNCE, {**BOUNCE, "email": "joe@example.com"})
    people.consume(BRAKE_BLOCKS_PER_MAIL="1")

    told = report("--json").json

    assert len(stages_double.blocked) == 1
    assert told["people"] == {"blocked": 1, "dry-run": 0, "held": 1}
    assert told["by_reason"] == {"address_gone": 1}


def test_only_what_was_decided_in_the_time_counts(week: People) -> None:
    week.know("old@example.com", decided_at=time.time() - 30 * 86_400)

    assert report("--json").json["events"]["by_action"] == {"block": 3, "ignore": 1, "strike": 1}
    assert report("--json", "--since", "60d").json["events"]["by_action"]["block"] == 4
    assert report("--json", "--until", "1h").json["people"]["blocked"] == 0


def test_erased_people_still_count(week: People) -> None:
    week.ledger().erase("a0@qq.com", before=NEVER)

    told = report("--json", "--since", "400d").json

    assert told["people"]["blocked"] == 2  # what was done goes with the person
    assert told["events"]["by_action"]["block"] == 3


def test_what_came_after_a_block_is_not_its_reason(
    people: People, stages_double: TencentDouble
) -> None:
    del stages_double
    people.queue(BOUNCE)
    people.consume()
    people.know(JANE, "later", sender="other@example.org", decided_at=time.time() + 60)

    assert report("--json").json["by_sender"] == {"news@mail.example.org": 1}


def test_empty_ledger_is_a_report_too(people: People) -> None:
    del people

    ran = report("--html", "empty.html")

    assert "     0  blocked" in ran.out
    assert ran.code == 0
    assert parsed(Path("empty.html").read_text()).pictures == []


def test_page_is_whole_and_asks_nobody_for_more(week: People) -> None:
    """It is mailed about, and opened where there is no network."""
    del week

    ran = report("--html", "report.html")

    page = parsed(Path("report.html").read_text())
    assert "Written to report.html" in ran.out
    assert page.left_open == []
    assert page.loads == []
    assert page.tags["img"] == 4
    assert page.tags["script"] == 0
    assert STRANGE in page.text
    assert "default-src 'none'" in page.policy
    assert Path("report.html").stat().st_mode & 0o777 == 0o600


def test_every_plot_shows_what_its_table_says(week: People) -> None:
    del week

    report("--html", "report.html")

    why, providers, senders, days = map(drawn, parsed(Path("report.html").read_text()).pictures)
    assert {"address_gone", "3"} <= why.words
    assert {"QQ", "Google", "2", "1"} <= providers.words
    assert providers.bars == 2
    assert "news@mail.example.org" in senders.words
    assert days.bars == 1


def test_page_opens_in_a_browser(week: People, tmp_path: Path) -> None:
    """
    It must draw every plot.

    Strictly parsed is not yet drawn: a policy that forbids the page's own pictures parses well.
    """
    del week
    report("--html", "report.html")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip(f"no browser to open the page in: none of {', '.join(BROWSERS)} is installed")

    page = in_browser(chromium, tmp_path / "report.html", tmp_path)

    assert re.findall("<p id=.drawn.>([0-9]+) of ([0-9]+)</p>", page) == [("4", "4")]


def test_page_that_is_there_is_not_overwritten(people: People) -> None:
    del people
    Path("report.html").write_text("mine")

    ran = report("--html", "report.html")

    assert ran.code == 2
    assert Path("report.html").read_text() == "mine"


class Parsed(HTMLParser):
    """A page taken apart, whose every tag must be closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.left_open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.loads: list[str] = []
        self.pictures: list[bytes] = []
        self.policy = ""
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in VOID:
            self.left_open.append(tag)
        given = dict(attrs)
        for name in ("src", "href", "action", "srcset", "data"):
            link = given.get(name) or ""
            kind, _, data = link.partition(",")
            if kind == "data:image/svg+xml;base64":
                self.pictures.append(base64.b64decode(data, validate=True))
            elif link:
                self.loads.append(link)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        assert self.left_open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Parsed:
    assert page.startswith("<!DOCTYPE html>\n")
    return Parsed(page)


class drawn:  # noqa: N801 - reads as what it gives
    """What a plot shows: its words, and how many bars."""

    def __init__(self, picture: bytes) -> None:
        root = ET.fromstring(picture)  # noqa: S314 - our own
        assert root.tag == f"{SVG}svg"
        self.words = {(each.text or "").strip() for each in root.iter(f"{SVG}text")}
        paths = list(root.iter(f"{SVG}path"))
        self.bars = sum("fill: #30638e" in path.get("style", "") for path in paths)


def in_browser(chromium: str, page: Path, folder: Path) -> str:
    """Open *page* and give it as the browser has it, with a line on how many pictures it drew."""
    framed = folder / "framed.html"
    script = (
        "<script>const all=[...document.images];const p=document.createElement('p');p.id='drawn';"
        "p.textContent=all.filter(i=>i.complete&&i.naturalWidth>0).length+' of '+all.length;"
        "document.body.append(p)</script>"
    )
    html = page.read_text().replace("style-src", "script-src 'unsafe-inline'; style-src")
    framed.write_text(html.replace("</html>", f"{script}</html>"))
    ran = subprocess.run(  # noqa: S603 - a browser, on a page of ours
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=5000",
            "--dump-dom",
            framed.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout
