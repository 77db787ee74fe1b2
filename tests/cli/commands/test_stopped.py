"""
Commands that are stopped half-way, by Ctrl-C at the worst moment: the same command ends it well.

Those that remember how far they were are killed as processes in the tests of their own.
"""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import bootstrap
from cli.adapters import queues
from cli.adapters.judging import Judge
from cli.adapters.ledger import Ledger
from cli.adapters.metrics import Metrics
from cli.adapters.queues import Queue
from cli.adapters.secrets import Secrets
from cli.adapters.tencent import TencentLists
from cli.adapters.triggers import Switch
from cli.commands.doctor import RESERVED
from cli.errors import ExitCode
from functions.blocklist.adapters import dynamo_ledger
from functions.blocklist.adapters.dynamo_table import DynamoTable
from local.tencent import TencentDouble
from tests.cli.commands.test_why import BOUNCE, JANE
from tests.cli.people import People
from tests.cli.running import Account, Parameters, Ran, run, start, stop
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

STAGE = ("--stage", "local")
MANY = [f"a{n:03}@example.com" for n in range(25)]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Give what runs a command and presses Ctrl-C as soon as a step of it was done once."""

    def run_and_stop(part: object, step: str, *arguments: str) -> Ran:
        real = getattr(part, step)

        def once(*args: Any, **named: Any) -> None:  # noqa: ANN401 - as it is
            real(*args, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(part, step, once)
            ran = run(*arguments)
        assert ran.code == ExitCode.STOPPED
        assert "Stopped." in ran.err
        return ran

    return run_and_stop


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ((Judge, "decide"), ("classify", "--file", "replies.jsonl")),
        ((Secrets, "read_existing"), ("callback-url", *STAGE)),
        ((TencentLists, "check_may_block"), ("doctor", *STAGE)),
        ((Metrics, "points"), ("status", *STAGE)),
        ((TencentLists, "blocked"), ("why", JANE, *STAGE)),
        ((queues, "_letter"), ("dead-letters", "list", *STAGE)),
        ((queues, "_letter"), ("dead-letters", "show", *STAGE)),
    ],
    ids=lambda what: " ".join(what[:2]) if isinstance(what[0], str) else "",
)
def test_whoever_only_looks_sees_the_same_again(  # noqa: PLR0917 - what pytest hands in
    people: People,
    account: Account,
    stages_double: TencentDouble,
    stopped: Callable[..., Ran],
    step: tuple[object, str],
    command: tuple[str, ...],
) -> None:
    """Above all the dead letters, which nobody sees while somebody holds them."""
    people.queue(BOUNCE)
    people.consume()
    for each in MANY[:3]:
        body = json.dumps({"event": "bounce", "email": each})
        account.put(account.dead_letter_queue, body, ErrorCode="Held", ErrorMessage="why")
    Path("replies.jsonl").write_text('{"text": "550 5.1.1 user unknown"}\n' * 3)
    before = run(*command)

    half = stopped(*step, *command)
    after = run(*command)

    assert half.out == ""
    assert len(before.out.splitlines()) > 0
    assert sorted(after.out.splitlines()) == sorted(before.out.splitlines())
    assert (after.code, after.err) == (before.code, before.err)
    assert set(stages_double.blocked) == {JANE}


def test_init_stopped_between_two_secrets_keeps_what_is_stored(
    account: Account,
    stages_double: TencentDouble,
    stopped: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another token than the one just told would make the callback address answer 404."""
    del account
    monkeypatch.setenv("TENCENT_SES_ENDPOINT", stages_double.url)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", stages_double.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", stages_double.secret_key)
    names = [f"/ses-blocklist/half/{name}" for name in ("tencent-credentials", "callback-tokens")]

    for name in names:
        stopped(Secrets, "write", "init", "half")
        half = bootstrap.secrets().read(name)
        assert half is not None
    first = [bootstrap.secrets().read(name) for name in names]
    ran = run("init", "half")

    assert ran.code == 0
    assert "/ses-blocklist/half/ledger-key: a new key for the ledger is stored." in ran.out
    assert [bootstrap.secrets().read(name) for name in names] == first


def test_drop_token_stopped_after_it_was_is_done(
    account: Account, stopped: Callable[..., Ran]
) -> None:
    """The current one opens the door all the while; a second run must not drop that."""
    parameters, name = Parameters(account.aws), account.stack.outputs["CallbackTokensParameter"]
    parameters.put(name, "current-token-0123456789,previous-token-0123456789")

    stopped(Secrets, "write", "drop-token", *STAGE, "--yes")
    half = parameters[name]
    ran = run("drop-token", *STAGE, "--yes")

    assert (half, parameters[name]) == ("current-token-0123456789",) * 2
    assert ran.out == f"{name} holds no token from before: kept as it is.\n"


@pytest.mark.parametrize(("command", "is_on"), [("pause", False), ("resume", True)])
def test_switch_that_was_turned_stays_so(
    account: Account, stopped: Callable[..., Ran], command: str, *, is_on: bool
) -> None:
    """Nobody knows from what they saw whether it was, so the same command must tell."""
    run("pause" if is_on else "resume", *STAGE)

    stopped(Switch, "turn", command, *STAGE)
    half = account.is_trigger_on()
    ran = run(command, *STAGE)

    assert (half, account.is_trigger_on()) == (is_on, is_on)
    assert ("is not paused." if is_on else "is paused already.") in ran.out
    assert ran.code == 0


def test_doctor_stopped_while_its_address_is_blocked_takes_it_off(
    account: Account,
    stages_double: TencentDouble,
    stopped: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del account
    monkeypatch.setattr(TencentLists, "check_may_read_blocked", lambda _: None)  # asks the same

    stopped(TencentLists, "is_blocked", "doctor", "--live", *STAGE)

    asked = [each.action for each in stages_double.requests if RESERVED in each.emails]
    assert asked == ["CreateCustomBlacklist", "DeleteCustomBlackList"]
    assert stages_double.blocked == {}


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--html", "report.html"),
        ("report", "--json"),
        ("export",),
        ("verify", "--sample", "2"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_whoever_only_reads_leaves_nothing_behind(
    people: People,
    stages_double: TencentDouble,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """Half a report that looks like a whole one is worse than none."""
    people.queue(BOUNCE, {**BOUNCE, "email": "john@example.com"})
    people.consume()
    assert len(stages_double.blocked) == 2
    everybody = Ledger.everybody

    def first_of(ledger: Ledger, *more: Any) -> Any:  # noqa: ANN401 - as it is
        yield next(iter(everybody(ledger, *more)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "everybody", first_of)
        half = run(*command, *STAGE)
    left = list(Path().iterdir())
    ran = run(*command, *STAGE)

    assert half.code == ExitCode.STOPPED
    assert left == []
    assert ran.code == 0
    assert ran.out.count(JANE) == (1 if command[0] == "export" else 0)
    assert Path("report.html").exists() == ("--html" in command)


def test_verify_stopped_between_two_people_changes_nothing(
    people: People, stages_double: TencentDouble, stopped: Callable[..., Ran]
) -> None:
    people.queue(BOUNCE, {**BOUNCE, "email": "john@example.com"})
    people.consume()
    before = dict(stages_double.blocked)

    stopped(TencentLists, "blocked", "verify", "--sample", "2", *STAGE)
    ran = run("verify", "--sample", "2", "--rate", "20", *STAGE)

    assert ran.out == "2 of 2 who were blocked were looked up.\n"
    assert stages_double.blocked == before


def test_block_of_many_stopped_half_way_queues_everybody(
    account: Account, stopped: Callable[..., Ran]
) -> None:
    """Who is queued twice is blocked once: the consumer knows."""
    stopped(Queue, "_send_request", "block", *MANY, *STAGE)
    half = account.messages(account.queue)

    run("block", *MANY, *STAGE)

    assert 0 < len(half) < len(MANY)
    assert sorted(json.loads(body)["email"] for body, _ in account.messages(account.queue)) == MANY


@pytest.mark.parametrize("command", [("drop", "--all"), ("release",), ("redrive", "--all")])
def test_dead_letters_stopped_half_way_are_all_done_in_the_end(
    account: Account, stopped: Callable[..., Ran], command: tuple[str, ...]
) -> None:
    """Whoever is stopped between sending and deleting sends once more; nobody is lost."""
    code = "Held" if command[0] == "release" else "InvalidAddress"
    for each in MANY:
        body = json.dumps({"event": "bounce", "email": each})
        account.put(account.dead_letter_queue, body, ErrorCode=code, ErrorMessage="why")
    step = "delete" if command[0] == "drop" else "send"

    stopped(Queue, step, "dead-letters", *command, "--yes", *STAGE)
    ran = run("dead-letters", *command, "--yes", *STAGE)

    sent = {json.loads(body)["email"] for body, _ in account.messages(account.queue)}
    assert ran.code == 0
    assert account.messages(account.dead_letter_queue) == []
    assert sent == (set() if command[0] == "drop" else set(MANY))


def test_erase_stopped_half_way_is_ended_by_the_same_command(
    people: People,
    stages_double: TencentDouble,
    stopped: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody with many events is forgotten in more than one step."""
    del stages_double
    monkeypatch.setattr(dynamo_ledger, "MAX_THINNED", 5)
    for n in range(12):
        people.know(JANE, key=f"k{n}")

    stopped(DynamoTable, "update", "erase", JANE, "--yes", *STAGE)
    half = people.ledger().item(JANE)
    ran = run("erase", JANE, "--yes", *STAGE)

    whole = people.ledger().item(JANE)
    assert ran.code == 0
    assert "user unknown" in str(half)
    assert "user unknown" not in str(whole)
    assert JANE not in str(whole)
    assert len(people.history(JANE).facts) == 12


def test_killed_import_of_a_dry_run_blocks_everybody_once(
    people: People, account: Account, stages_double: TencentDouble, tmp_path: Path
) -> None:
    """Whom the ledger says to block, and who is not blocked, is all the journal that it has."""
    everybody = {f"a{n:03}@example.com" for n in range(300)}
    people.queue(*({**BOUNCE, "email": each} for each in everybody))
    people.consume(DRY_RUN="true", BRAKE_BLOCKS_PER_MAIL="1000")
    process = start("import", "--from-dry-run", "--yes", *STAGE, cwd=tmp_path)
    wait_until(lambda: _waiting(account) > 0)
    stop(process, signal.SIGKILL)
    half = _waiting(account)

    ran = run("import", "--from-dry-run", "--yes", *STAGE)
    queued = _waiting(account)
    failed = people.consume(BRAKE_BLOCKS_PER_MAIL="1000")

    asked = [
        address
        for request in stages_double.requests
        if request.action == "CreateCustomBlacklist"
        for address in request.emails
    ]
    assert 0 < half < len(everybody)
    assert (ran.code, queued, failed) == (0, half + len(everybody), [])
    assert sorted(asked) == sorted(everybody)
    assert run("import", "--from-dry-run", *STAGE).out == (
        "Nobody is left whom a dry run decided to block.\n"
    )


def _waiting(account: Account) -> int:
    answer = account.sqs.get_queue_attributes(
        QueueUrl=account.queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])
