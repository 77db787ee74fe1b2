"""
`docs/cli.md` says what the program writes.

UPDATE_DOCS=1 writes what is written now into it, where that is more than another day or another id.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.errors import ExitCode
from local import pipeline
from local.emulator import Emulator
from local.quirks import set_mapping_state
from local.tencent import TencentDouble
from tests.cli.people import People
from tests.cli.running import REPOSITORY, Account, commands, deploy_stage, run

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

PAGE = REPOSITORY / "docs" / "cli.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ ses-blocklist "
#: Some day at noon.
NOON = 1_790_000_000

#: What is another at each run, and what stands for it.
CHANGING = (
    (re.compile(r"https?://\S+/callbacks/\S+"), "CALLBACK"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "DOUBLE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?"), "WHEN"),
    (re.compile(r"strict@[0-9a-f]+"), "POLICY"),
    (re.compile(r"\d+ (?:s|min|h) ago"), "AGO"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


@pytest.fixture
def _scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give an account of its own with a little of everything, and the files that the page names."""
    with (
        TencentDouble(secret_id=pipeline.SECRET_ID, secret_key=pipeline.SECRET_KEY) as double,
        Emulator(region=pipeline.REGION) as aws,
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "110")
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        monkeypatch.setenv("TENCENT_SES_ENDPOINT", double.url)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", pipeline.SECRET_ID)
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", pipeline.SECRET_KEY)
        _fill_tencents_list(double)
        account = Account(aws, deploy_stage(aws, tencent=double.url))
        _fill_the_account(account)
        set_mapping_state(account.functions, account.mapping, enabled=False)
        _block_two(People(account, monkeypatch))
        set_mapping_state(account.functions, account.mapping, enabled=True)
        _write_files(tmp_path)
        yield


def _fill_tencents_list(double: TencentDouble) -> None:
    replies = {
        "550 5.1.1 <a@example.com>: user unknown": ("gmail.com", 41),
        "550 Connection frequency limited": ("qq.com", 23),
        "552 5.2.2 mailbox full": ("163.com", 9),
        "550 Mailbox unavailable or access denied": ("example.com", 5),
    }
    for reply, (domain, number) in replies.items():
        for each in range(number):
            double.bounce(f"person{each}@{domain}", reply)


def _fill_the_account(account: Account) -> None:
    cloudwatch: CloudWatchClient = account.aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="SesBlocklist",
        MetricData=[
            {
                "MetricName": "Events",
                "Dimensions": [{"Name": "service", "Value": "receive_callback"}],
                "Timestamp": datetime.now(tz=UTC) - timedelta(minutes=1),
                "Value": 1,
            }
        ],
    )
    event = {"event": "bounce", "email": "somebody@example.com", "bulkId": "mailing-7"}
    codes = ("InvalidAddress", "Held", "Held", "Held", "", "")
    for code in codes:
        attributes = {"ErrorCode": code, "ErrorMessage": "why"} if code else {}
        account.put(account.dead_letter_queue, json.dumps(event), **attributes)


def _block_two(people: People) -> None:
    """
    Let one mailing block two people, one of whom was blocked before for another reason.

    A third would have been blocked while the stage was dry.
    """
    complaint = {"event": "spamreport", "email": "joe@example.com", "bulkId": "mailing-8"}
    people.queue({**complaint, "timestamp": NOON})
    people.consume()
    people.queue({**complaint, "email": "dora@example.com", "timestamp": NOON})
    people.consume(DRY_RUN="true")
    bounce = {
        "event": "bounce",
        "bounceType": "hard_bounce",
        "bulkId": "mailing-9",
        "timestamp": NOON + 60,
        "from": "news@mail.example.org",
        "fromDomain": "mail.example.org",
        "templateId": 77,
    }
    for name in ("jane", "joe"):
        reply = f"550 5.1.1 <{name}@example.com>: user unknown"
        people.queue({**bounce, "email": f"{name}@example.com", "reason": reply})
    people.consume()


def _write_files(folder: Path) -> None:
    replies = [
        {"text": "550 5.1.1 user unknown"},
        {"text": "550 Connection frequency limited"},
        {"text": "", "event": "spamreport", "label": ""},
    ]
    (folder / "replies.jsonl").write_text("".join(json.dumps(each) + "\n" for each in replies))
    (folder / "suppressed.csv").write_text(
        "email,reason,expires\n"
        "a@example.com,550 user unknown,\n"
        "b@example.com,asked,2100-01-31\n"
        "B @ example,asked,\n"
    )


@pytest.mark.integration
@pytest.mark.usefixtures("_scene")
def test_page_shows_what_the_commands_write() -> None:
    """Somebody at 3 a.m. compares what they see with what they read."""
    page = PAGE.read_text(encoding="utf-8")

    written = BLOCK.sub(lambda block: f"```console\n{_run_all(block[1])}```", page)

    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
    assert plain(written) == plain(page)


def _run_all(block: str) -> str:
    """Run the commands of a block; keep what stands there where it is the same but for the day."""
    commands = re.findall(rf"^{re.escape(PROMPT)}.*\n(?:(?!\$ ).*\n)*", block, re.MULTILINE)
    return "".join(map(_run_one, commands))


def _run_one(shown: str) -> str:
    prompt = shown.partition("\n")[0]
    lines = run(*shlex.split(prompt.removeprefix(PROMPT))).shown.splitlines()
    now = "\n".join([prompt, *(line.rstrip() for line in lines)]).rstrip() + "\n"
    return shown if plain(now) == plain(shown).rstrip() + "\n" else now


def plain(text: str) -> str:
    for pattern, replacement in CHANGING:
        text = pattern.sub(replacement, text)
    return text


@pytest.mark.integration
def test_smallest_policy_names_what_a_stage_is_made_of(account: Account) -> None:
    """A right to a table of another name is none, and only shows at 3 a.m."""
    [policy] = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    resources = [statement["Resource"] for statement in json.loads(policy)["Statement"]]
    patterns = [
        pattern.replace("REGION:ACCOUNT", ":").replace("STAGE", "local")
        for resource in resources
        for pattern in ([resource] if isinstance(resource, str) else resource)
        if pattern != "*"
    ]
    outputs = account.stack.outputs
    names = [
        "cloudformation:::stack/ses-blocklist-local/id",
        f"lambda:::function:{outputs['BlockRecipientsFunction']}",
        f"dynamodb:::table/{outputs['LedgerTable']}",
        f"ssm:::parameter{outputs['LedgerKeyParameter']}",
        f"sqs:::{outputs['QueueUrl'].rpartition('/')[2]}",
    ]

    for name, pattern in zip(names, patterns, strict=True):
        assert fnmatch(f"arn:aws:{name}", pattern)


def test_every_command_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")

    missing = [path for path in commands() if f"ses-blocklist {path}" not in page]

    assert missing == []


def test_every_exit_code_is_on_the_page() -> None:
    """Scripts are written by it."""
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("## Exit codes")[2].partition("\n## ")[0]

    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [str(int(code)) for code in ExitCode]


def test_completion_is_offered_for_every_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell asks the program itself, by the name under which it is installed."""
    monkeypatch.setenv("_SES_BLOCKLIST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "ses-blocklist dead-letters re")
    monkeypatch.setenv("COMP_CWORD", "2")

    result = CliRunner().invoke(app, [], prog_name="ses-blocklist")

    assert result.stdout.split() == ["redrive", "release"]
