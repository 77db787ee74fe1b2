"""`why` and `erase`: everything that is known of one person."""

import re
import time
from collections.abc import Callable

import pytest

from functions.blocklist.adapters.dynamo_table import DynamoTable
from functions.blocklist.domain.errors import ConfigurationError
from functions.blocklist.domain.history import Fact
from functions.blocklist.domain.policy import Action
from local.tencent import TencentDouble, faults
from tests.cli.people import NEVER, People
from tests.cli.running import Ran, run

pytestmark = pytest.mark.integration

JANE = "jane@example.com"
BOUNCE = {
    "event": "bounce",
    "email": JANE,
    "bounceType": "hard_bounce",
    "bulkId": "mailing-7",
    "timestamp": 1_790_000_000,
    "reason": "550 5.1.1 <jane@example.com>: user unknown",
    "username": "1250000000",
    "from": "news@mail.example.org",
    "fromDomain": "mail.example.org",
    "templateId": 77,
}


def why(*more: str, address: str = JANE) -> Ran:
    return run("why", address, "--stage", "local", "--rate", "20", *more)


def test_whole_story_of_a_bounce_is_told(people: People, stages_double: TencentDouble) -> None:
    """Event, reply, rule, request, both lists now, and the way back: what support is asked for."""
    people.queue(BOUNCE)
    people.consume()
    stages_double.bounce(JANE)

    ran = why()

    told = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "WHEN", ran.out)
    told = re.sub(r"request \S+,", "request ID,", told)
    told = re.sub(r"who is unknown/.*", "RULE", told)
    told = re.sub(r"strict\S*", "POLICY", told)
    assert told.splitlines() == [
        "jane@example.com: blocked for good, as stage local knows it",
        "",
        "Events",
        "  WHEN  hard_bounce: block (counts)",
        "    rule     address gone, of POLICY",
        "    reason   address_gone, as any: RULE",
        "    reply    550 5.1.1 …: user unknown",
        "    mail     from news@mail.example.org, template 77, mailing mailing-7",
        "    batch    5f5ad0ab-4c88-4b0a-b9f2-2f1f0a4b9a11",
        "",
        "What was done",
        "  WHEN  blocked for good, request ID, batch 5f5ad0ab-4c88-4b0a-b9f2-2f1f0a4b9a11",
        "",
        "At Tencent now",
        "  custom list      on it since WHEN, for good",
        "  Tencent's list   on it since WHEN",
        "",
        "To undo: ses-blocklist unblock jane@example.com --stage local",
    ]
    assert ran.code == 0


def test_programs_are_told_the_same(people: People, stages_double: TencentDouble) -> None:
    people.queue(BOUNCE)
    people.consume()

    told = why("--json").json

    [event], [outcome] = told["events"], told["outcomes"]
    assert (told["blocked"], told["until"], told["applied"]) == (True, "for good", "for good")
    assert (event["reason"], event["standing"]) == ("address_gone", "counts")
    assert re.fullmatch(r"\S{36}", outcome["request_id"])
    assert told["custom_list"]["until"] is None
    assert told["tencents_list"] is None
    assert JANE in stages_double.blocked


def test_stranger_is_no_mistake(people: People, stages_double: TencentDouble) -> None:
    del people, stages_double

    ran = why()

    assert ran.out.splitlines() == [
        "jane@example.com: not blocked, as stage local knows it",
        "",
        "No event is known.",
        "",
        "At Tencent now",
        "  custom list      not on it",
        "  Tencent's list   not on it in the last 90 days",
    ]
    assert ran.code == 0


def test_entry_that_the_ledger_does_not_know_is_told_with_how_to_undo_it(
    people: People, stages_double: TencentDouble
) -> None:
    del people
    stages_double.block(JANE)

    ran = why()

    assert "To undo: ses-blocklist unblock jane@example.com --include-existing" in ran.out


@pytest.mark.parametrize(
    ("do", "standing"),
    [
        (lambda _: None, "counts"),
        (lambda people: people.know(JANE, action=Action.IGNORE, key="b"), "ignored"),
        (
            lambda people: people.ledger().unblock(
                JANE, at=time.time(), by="ops", note="T-1", before=NEVER
            ),
            "taken back",
        ),
        (
            lambda people: people.ledger().disown(
                JANE, ["a"], at=time.time(), by="ops", note="T-1", before=NEVER
            ),
            "disowned",
        ),
    ],
)
def test_what_became_of_an_event_is_told(
    people: People,
    stages_double: TencentDouble,
    do: Callable[[People], None],
    standing: str,
) -> None:
    del stages_double
    people.know(JANE)

    do(people)

    assert f"({standing})" in why().out


def test_what_was_held_is_no_block_and_tells_what_lets_it_through(
    people: People, stages_double: TencentDouble
) -> None:
    """`held for good` reads like a verdict, and it is a question to whoever reads it."""
    people.queue({**BOUNCE, "email": "joe@example.com"}, BOUNCE)
    people.consume(BRAKE_BLOCKS_PER_MAIL="1")
    [held] = {JANE, "joe@example.com"} - set(stages_double.blocked)

    ran = run("why", held, "--stage", "local", "--rate", "20")

    assert ran.out.startswith(f"{held}: not blocked,")
    assert "held by the brake, else blocked for good, batch" in ran.out
    assert ran.out.endswith(
        "To let through what is held of that mailing, while it waits: "
        f"ses-blocklist dead-letters release --bulk-id {BOUNCE['bulkId']} --stage local\n"
    )


def test_what_a_dry_run_decided_is_no_block(people: People, stages_double: TencentDouble) -> None:
    """Whoever asks why somebody is blocked must not be told that they are."""
    people.queue(BOUNCE)
    people.consume(DRY_RUN="true")

    ran, told = why(), why("--json").json

    assert stages_double.blocked == {}
    assert (told["blocked"], told["until"], told["applied"]) == (False, "for good", "not blocked")
    assert ran.out.startswith(
        f"{JANE}: not blocked, though its events would block it for good, as stage local knows it"
    )
    assert "a dry run, else blocked for good, batch" in ran.out
    assert f"To keep it so: ses-blocklist unblock {JANE} --stage local" in ran.out


def test_key_that_may_not_read_hides_nothing_of_the_ledger(
    people: People, stages_double: TencentDouble
) -> None:
    """The stage's own key may add to one list and nothing else."""
    people.know(JANE)
    stages_double.misbehave(
        faults.error("AuthFailure.UnauthorizedOperation"), action="ListCustomBlacklist"
    )

    ran = why()

    assert "hard_bounce: block (counts)" in ran.out
    assert "not known: ListCustomBlacklist was refused" in ran.out
    assert ran.code == 0


def test_ledger_that_cannot_be_read_says_which_right_is_missing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    del people

    def refuse(*_: object) -> None:
        raise ConfigurationError("dynamodb:AccessDeniedException")

    monkeypatch.setattr(DynamoTable, "read", refuse)

    ran = why()

    assert ran.err.splitlines() == [
        "The ledger refused (dynamodb:AccessDeniedException).",
        "Ask for dynamodb:GetItem on the ledger's table.",
    ]
    assert ran.code == 4


@pytest.mark.parametrize("command", [("why", JANE), ("report",)])
def test_what_only_a_newer_version_can_read_is_no_crash(
    people: People, command: tuple[str, ...]
) -> None:
    people.know(JANE)
    people.client.update_item(
        TableName=people.table,
        Key={"pk": people.ledger().item(JANE)["pk"]},
        UpdateExpression="SET #f = :f",
        ExpressionAttributeNames={"#f": "f:new"},
        ExpressionAttributeValues={":f": {"M": {"when": {"S": "then"}}}},
    )

    ran = run(*command, "--stage", "local")

    assert "A newer version wrote it" in ran.err
    assert ran.code == 4


def test_erased_person_is_not_named_any_more_and_stays_blocked(
    people: People, stages_double: TencentDouble
) -> None:
    del stages_double
    people.know(JANE)

    ran = run("erase", JANE, "--stage", "local", "--yes")

    assert ran.out.startswith("Erased.")
    assert people.ledger().item(JANE)
    assert "example" not in str(people.client.scan(TableName=people.table))
    assert people.history(JANE).facts[0].action is Action.BLOCK


@pytest.mark.parametrize("more", [("--dry-run",), ()])
def test_nobody_is_erased_without_a_yes(people: People, more: tuple[str, ...]) -> None:
    people.know(JANE)

    run("erase", JANE, "--stage", "local", *more, answer="n\n")

    assert people.ledger().item(JANE)["address"] == {"S": JANE}


def test_nothing_is_erased_of_a_stranger(people: People) -> None:
    del people

    ran = run("erase", JANE, "--stage", "local")

    assert ran.out == "Stage local knows nothing of jane@example.com.\n"
    assert ran.code == 0


def test_adopted_entry_is_told_as_such(people: People, stages_double: TencentDouble) -> None:
    del stages_double
    people.adopt(JANE, Fact("existing:7:", time.time(), Action.BLOCK))

    assert "on the list before the ledger: block (counts)" in why().out
