"""The ledger against DynamoDB as the emulator has it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from functions.blocklist.adapters.dynamo_ledger import (
    KEPT_DETAILED,
    MAX_DETAILED,
    MAX_FACTS,
    DynamoLedger,
)
from functions.blocklist.adapters.dynamo_table import (
    ChangedError,
    DynamoTable,
    Update,
    WrongRequestError,
)
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.domain.errors import ConfigurationError, UnavailableError
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action, Ruling
from functions.blocklist.domain.reasons import Reason, Verdict
from functions.blocklist.domain.terms import FOR_GOOD
from functions.blocklist.services.ports import Change, Record
from local.pipeline import LEDGER_KEY
from tests.contracts.ledger import (
    JANE,
    JOHN,
    NEVER,
    NOON,
    SPRING,
    LedgerContract,
    changed,
    keys,
    read,
    recorded,
    strike,
    with_fact,
)
from tests.fakes import FakeClock
from tests.integration.conftest import Sender
from tests.local.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.integration

NOW = 1_790_000_300.0
DAY = 86_400


class _Ledger(DynamoLedger):
    def take_back(self, recipient: str, at: float) -> None:
        self.unblock(recipient, at=at, by="ops", note="asked by phone", before=NEVER)

    def adopt(self, recipient: str, fact: Fact) -> bool:
        try:
            self._table.update(self.adopting(recipient, fact), before=NEVER)
        except ChangedError:
            return False
        return True

    def unsay(self, recipient: str, key: str) -> None:
        self.disown(recipient, [key], at=NOON, by="ops", note="T-1", before=NEVER)


MakeLedger = Callable[..., _Ledger]


@pytest.fixture
def make_ledger(table: DynamoTable, hashed: KeyedHash) -> MakeLedger:
    def make(**changed: Any) -> _Ledger:  # noqa: ANN401 - any of its arguments
        arguments: dict[str, Any] = {
            "hashed": hashed,
            "retention_days": 400,
            "policy_version": "strict@0",
            "batch_id": "batch-1",
            "wall_clock": FakeClock(NOW),
        }
        return _Ledger(table, **(arguments | changed))

    return make


@pytest.fixture
def ledger(make_ledger: MakeLedger) -> _Ledger:
    return make_ledger()


class TestDynamoLedger(LedgerContract):
    """The real one."""


def entry(ledger: DynamoLedger, name: str) -> dict[str, Any]:
    """Give what one of an item's maps says, without the letters of types."""
    item: Mapping[str, Any] = ledger.item(JANE)
    return {key: next(iter(value.values())) for key, value in item[name]["M"].items()}


def test_entry_of_an_event_tells_why_and_names_nobody(ledger: _Ledger) -> None:
    """An operator asks for years why somebody is blocked; the reply alone would name them."""
    event = DeliveryEvent(
        EventKind.HARD_BOUNCE,
        JANE,
        bulk_id="bulk-1",
        app_id="1250000000",
        from_domain="mail.example.org",
        reply="550 5.1.1 <jane@example.com>:\r\nuser jane unknown",
        sender="news@mail.example.org",
        template_id="77",
        message_id="message-1",
    )
    verdict = Verdict(Reason.ADDRESS_GONE, "gone-1", code="550", enhanced="5.1.1")
    record = Record(
        Fact("a", NOON, Action.BLOCK_UNTIL, "bulk-1", 30, SPRING),
        event,
        Ruling(Action.BLOCK_UNTIL, "gone", 30, verdict),
    )

    recorded(ledger, record)

    assert entry(ledger, "f:a") == {
        "at": "1790000000.25",
        "action": "block_until",
        "mail": "bulk-1",
        "days": "30",
        "until": "2027-04-01",
        "kind": "hard_bounce",
        "rule": "gone",
        "policy": "strict@0",
        "reason": "address_gone",
        "reply_rule": "gone-1",
        "code": "550",
        "enhanced": "5.1.1",
        "reply": "550 5.1.1 …: user … unknown",
        "sender": "news@mail.example.org",
        "from_domain": "mail.example.org",
        "template_id": "77",
        "app_id": "1250000000",
        "message_id": "message-1",
        "origin": "callback",
        "batch": "batch-1",
        "recorded_at": "2026-09-21T14:18:20+00:00",
    }


def test_entry_has_nothing_that_is_empty(ledger: _Ledger) -> None:
    """An operator's block has a note and no reply; a reason that nobody looked for is none."""
    event = DeliveryEvent(EventKind.OPERATOR_BLOCK, JANE, note="asked by phone")
    record = Record(
        Fact("a", NOON, Action.BLOCK), event, Ruling(Action.BLOCK, "operator"), from_operator=True
    )

    recorded(ledger, record)

    assert entry(ledger, "f:a") == {
        "at": "1790000000.25",
        "action": "block",
        "kind": "operator_block",
        "rule": "operator",
        "policy": "strict@0",
        "origin": "operator",
        "note": "asked by phone",
        "batch": "batch-1",
        "recorded_at": "2026-09-21T14:18:20+00:00",
    }


def test_outcome_tells_which_request_did_it(ledger: _Ledger) -> None:
    seen = recorded(ledger, strike("a"))

    changed(
        ledger,
        Change(seen, applied=SPRING, outcome="blocked", until=SPRING, request_id="request-1"),
    )

    assert entry(ledger, "o:batch-1") == {
        "at": "1790000300",
        "outcome": "blocked",
        "until": "2027-04-01",
        "request_id": "request-1",
        "policy": "strict@0",
    }


def test_change_without_an_outcome_is_no_outcome(ledger: _Ledger) -> None:
    changed(ledger, Change(recorded(ledger, strike("a")), asked=SPRING))

    assert not [name for name in ledger.item(JANE) if name.startswith("o:")]


def test_days_stand_as_people_write_them(ledger: _Ledger) -> None:
    """The command line, and whoever looks into the table, read the same."""
    changed(ledger, Change(recorded(ledger, strike("a")), applied=FOR_GOOD, asked=SPRING))

    item = ledger.item(JANE)

    assert (item["applied"], item["asked"]) == ({"S": "9999-12-31"}, {"S": "2027-04-01"})


def test_unblock_tells_who_did_it_and_why(ledger: _Ledger) -> None:
    ledger.take_back(JANE, NOON)

    assert entry(ledger, "u:1790000000.25") == {
        "at": "1790000000.25",
        "by": "ops",
        "note": "asked by phone",
    }


def test_item_goes_by_the_address_hashed(ledger: _Ledger, hashed: KeyedHash) -> None:
    """What is left of an erased person is a hash that nobody can turn back."""
    recorded(ledger, strike("a"))

    item = ledger.item(JANE)

    assert item["pk"] == {"S": hashed.of(JANE)}
    assert item["address"] == {"S": JANE}


@pytest.mark.parametrize(
    "touch",
    [
        lambda ledger: recorded(ledger, strike("b")),
        lambda ledger: changed(ledger, Change(History(), applied=SPRING)),
        lambda ledger: ledger.take_back(JANE, NOON),
        lambda ledger: ledger.unsay(JANE, "a"),
        lambda ledger: ledger.adopt(JANE, Fact("e", NOON, Action.BLOCK)),
    ],
    ids=["record", "change", "unblock", "disown", "adopt"],
)
def test_whatever_is_written_keeps_the_item_for_its_whole_retention(
    make_ledger: MakeLedger, touch: Callable[[_Ledger], object]
) -> None:
    """
    DynamoDB deletes within days of `expires_at`, and until then the item is there as ever.

    One that is over and written to must live on: else its newest event would go with the old ones.
    """
    recorded(make_ledger(wall_clock=FakeClock(NOW - 500 * DAY)), strike("a"))

    touch(make_ledger())

    item = make_ledger().item(JANE)
    assert item["expires_at"] == {"N": str(int(NOW) + 400 * DAY)}
    assert item["address"] == {"S": JANE}
    assert "f:a" in item


def test_writers_at_once_lose_nothing(make_ledger: MakeLedger) -> None:
    """Two sandboxes, ten threads each."""
    names = [f"{number:03}" for number in range(40)]
    ledgers = [make_ledger(batch_id="batch-1"), make_ledger(batch_id="batch-2")]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda ledger, name: recorded(ledger, strike(name)), ledgers * 20, names))

    assert keys(read(ledgers[0])) == names


def test_one_of_several_changes_at_once_is_written(make_ledger: MakeLedger) -> None:
    """All saw the same; whoever is second hears of it and looks again."""
    seen = recorded(make_ledger(), strike("a"))
    days = [date(2027, 1, day) for day in range(1, 9)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda day: changed(make_ledger(), Change(seen, applied=day)), days)
        )

    [written] = [day for day, answer in zip(days, answers, strict=True) if answer is None]
    assert read(make_ledger()).applied == written


def test_item_that_somebody_deleted_is_not_taken_for_an_empty_history(
    ledger: _Ledger, client: "DynamoDBClient", hashed: KeyedHash
) -> None:
    """What the batch recorded is gone with it: its messages must come again."""
    seen = recorded(ledger, strike("a"))
    changed(ledger, Change(seen, applied=SPRING))
    client.delete_item(TableName="ledger", Key={"pk": {"S": hashed.of(JANE)}})

    answer = changed(ledger, Change(replace(seen, applied=SPRING)))

    assert isinstance(answer, UnavailableError)
    assert answer.code == "dynamodb:ItemGone"


@pytest.mark.parametrize(
    "broken",
    [
        {"at": {"N": "1"}, "action": {"S": "banish"}},
        {"action": {"S": "block"}},
        {"at": {"N": "1"}, "action": {"S": "block"}, "until": {"S": "2026-13-45"}},
    ],
    ids=["another version's action", "something missing", "no day"],
)
def test_item_that_cannot_be_read_fails_for_its_own_address_only(
    ledger: _Ledger, table: DynamoTable, hashed: KeyedHash, broken: Mapping[str, Any]
) -> None:
    """Of one such item, whole batches would come back until they rest on the dead-letter queue."""
    update = Update(hashed.of(JANE))
    update.set("f:broken", {"M": broken})
    table.update(update, before=NEVER)

    answers = ledger.record({JANE: [strike("a")], JOHN: [strike("a")]}, before=NEVER)

    error = answers[JANE]
    assert isinstance(error, WrongRequestError)
    assert error.code == "dynamodb:UnreadableItem"
    assert isinstance(answers[JOHN], History)


def test_item_with_events_without_end_stays_small(make_ledger: MakeLedger) -> None:
    """
    A mailbox that is gone, and a monitor that writes to it every minute.

    400 KB would be the end: nothing more could be recorded of the address. No decision changes.
    """
    every = 5 * MAX_DETAILED
    facts = [
        Fact(f"{n:04}", NOON + n, Action.IGNORE if n % 2 else Action.STRIKE, f"mail-{n}")
        for n in range(every)
    ]

    for number in range(0, every, MAX_FACTS):
        ledger = make_ledger(batch_id=f"batch-{number}")
        seen = recorded(ledger, *map(with_fact, facts[number : number + MAX_FACTS]))
        changed(ledger, Change(seen, outcome="blocked"))

    item = ledger.item(JANE)
    history = read(ledger)
    detailed = [name for name, value in item.items() if "kind" in value.get("M", {})]
    outcomes = [name for name in item if name.startswith("o:")]
    strikes = [fact for fact in history.facts if fact.action is Action.STRIKE]
    assert KEPT_DETAILED <= len(detailed) + len(outcomes) <= MAX_DETAILED
    assert f"f:{every - 1:04}" in detailed
    assert sorted(strikes, key=lambda fact: fact.at) == facts[::2]


def test_longest_texts_stay_within_an_item(make_ledger: MakeLedger) -> None:
    """Every field of a callback may hold a novel, in any script, and half a letter."""
    novel = "例\ud800" * 20_000
    event = DeliveryEvent(
        EventKind.HARD_BOUNCE,
        JANE,
        app_id=novel,
        from_domain=novel,
        reply=novel,
        sender=novel,
        template_id=novel,
        message_id=novel + "!",
        note=novel,
    )
    records = [
        Record(Fact(f"{n:03}", NOON, Action.STRIKE, novel), event, Ruling(Action.STRIKE, "rule"))
        for n in range(2 * MAX_DETAILED)
    ]

    history = recorded(make_ledger(), *records)

    assert len(history.facts) == len(records)


def fill_up(client: "DynamoDBClient", key: str) -> None:
    """Leave an item no room for another fact."""
    for size in range(409_600, 0, -50):
        try:
            client.update_item(
                TableName="ledger",
                Key={"pk": {"S": key}},
                UpdateExpression="SET filling = :x",
                ExpressionAttributeValues={":x": {"S": "x" * size}},
            )
        except ClientError:
            continue
        return


def test_item_that_is_full_is_its_own_trouble(
    ledger: _Ledger, client: "DynamoDBClient", hashed: KeyedHash
) -> None:
    """Its messages go round and then aside, where a person sees them; its neighbours' do not."""
    recorded(ledger, strike("a"))
    fill_up(client, hashed.of(JANE))

    answers = ledger.record({JANE: [strike("b")], "john@example.com": [strike("c")]}, before=NEVER)

    full = answers[JANE]
    assert isinstance(full, UnavailableError)
    assert full.code == "dynamodb:ItemTooLarge"
    assert isinstance(answers["john@example.com"], History)


def test_erased_person_is_a_hash_that_blocks_again(ledger: _Ledger, hashed: KeyedHash) -> None:
    """A right to be forgotten is none to be written to: the address is still dead."""
    seen = recorded(ledger, *(strike(f"{number:03}") for number in range(150)))
    changed(ledger, Change(seen, applied=SPRING, held=frozenset({"001"}), outcome="blocked"))
    ledger.take_back(JANE, NOON)
    ledger.unsay(JANE, "001")
    changed(ledger, Change(read(ledger), applied=SPRING))
    before = ledger.history(JANE)
    expiry = ledger.item(JANE)["expires_at"]

    was_there = ledger.erase(JANE, before=NEVER)

    item = ledger.item(JANE)
    assert was_there
    assert ledger.history(JANE) == before
    assert item["expires_at"] == expiry
    assert "address" not in item
    assert item["pk"] == {"S": hashed.of(JANE)}
    assert not [name for name in item if name.startswith(("o:", "u:", "d:"))]
    assert {name for value in item.values() for name in value.get("M", {})} == {
        "at",
        "action",
        "mail",
    }
    assert "example.com" not in str(item)


def test_next_event_of_an_erased_person_says_who_it_is(ledger: _Ledger) -> None:
    recorded(ledger, strike("a"))
    ledger.erase(JANE, before=NEVER)

    recorded(ledger, strike("b"))

    assert ledger.item(JANE)["address"] == {"S": JANE}


def test_who_disowned_something_and_why_is_kept(ledger: _Ledger) -> None:
    recorded(ledger, strike("a"))

    ledger.unsay(JANE, "a")

    assert entry(ledger, "d:1790000000.25") == {"at": "1790000000.25", "by": "ops", "note": "T-1"}


@pytest.mark.parametrize("until", [None, SPRING])
def test_adopted_entry_blocks_as_long_as_it_stands_there(
    ledger: _Ledger, until: date | None
) -> None:
    """And the consumer does not ask for it again."""
    fact = Fact("existing:7", NOON, Action.BLOCK, until=until)

    was_new = ledger.adopt(JANE, fact)

    assert was_new
    assert ledger.history(JANE) == History((fact,), applied=until or FOR_GOOD)
    assert entry(ledger, "f:existing:7")["origin"] == "existing"


@pytest.mark.parametrize(
    "known", [Change(History(), applied=SPRING), Change(History(), asked=SPRING)]
)
def test_what_the_ledger_did_itself_is_not_adopted(ledger: _Ledger, known: Change) -> None:
    """Else an unblock would take our own entry for somebody else's."""
    changed(ledger, known)
    before = ledger.history(JANE)

    was_new = ledger.adopt(JANE, Fact("existing:7", NOON, Action.BLOCK))

    assert not was_new
    assert ledger.history(JANE) == before


def test_nobody_is_erased_where_nothing_is_kept(ledger: _Ledger) -> None:
    assert not ledger.erase(JANE, before=NEVER)
    assert ledger.item(JANE) == {}


@pytest.mark.parametrize("seconds", [5e-324, 0.1 + 0.2, 253_402_300_799.9999])
def test_every_time_can_be_recorded(ledger: _Ledger, seconds: float) -> None:
    """DynamoDB refuses numbers that are nearly nothing, and a callback may hold any."""
    history = recorded(ledger, strike("a", at=seconds))

    assert history.facts[0].at == pytest.approx(seconds, abs=1e-6)


def test_without_a_key_nothing_is_written(make_ledger: MakeLedger) -> None:
    """Every recipient gets the error, so every message goes back."""

    def no_key() -> str:
        raise ConfigurationError("ssm:ParameterNotFound")

    ledger = make_ledger(hashed=KeyedHash(no_key))
    asked = {JANE: [strike("a")], "john@example.com": [strike("a")]}

    answers = ledger.record(asked, before=NEVER)
    changes = ledger.change({JANE: Change(History())}, before=NEVER)

    codes = {name: getattr(answer, "code", "") for name, answer in answers.items()}
    assert codes == dict.fromkeys(asked, "ssm:ParameterNotFound")
    assert isinstance(changes[JANE], ConfigurationError)


def test_key_that_cannot_be_read_is_asked_for_once(make_ledger: MakeLedger) -> None:
    """Not for each recipient: thousands of calls would have SSM refuse everybody's."""
    reads = []

    def down() -> str:
        reads.append("read")
        raise UnavailableError("ssm:ThrottlingException")

    asked = {f"p{number}@example.com": [strike("a")] for number in range(20)}

    answers = make_ledger(hashed=KeyedHash(down)).record(asked, before=NEVER)

    assert {type(answer) for answer in answers.values()} == {UnavailableError}
    assert len(reads) == 1


def test_without_a_table_every_recipient_gets_the_error(
    client: "DynamoDBClient", hashed: KeyedHash
) -> None:
    ledger = DynamoLedger(
        DynamoTable(lambda: client, "nothing"),
        hashed=hashed,
        retention_days=400,
        policy_version="",
        batch_id="",
    )

    answers = ledger.record({JANE: [strike("a")], "john@example.com": []}, before=NEVER)

    assert {type(answer) for answer in answers.values()} == {ConfigurationError}


def test_history_is_what_a_decision_hangs_on(ledger: _Ledger) -> None:
    """For the command line, without writing anything."""
    assert ledger.history(JANE) == History()

    seen = recorded(ledger, strike("a"))

    assert ledger.history(JANE) == seen


def kept(sender: Sender, recipient: str) -> Mapping[str, Any]:
    """Give what the running stack's ledger says."""
    client: DynamoDBClient = sender.pipeline.aws.client("dynamodb")
    table = DynamoTable(lambda: client, sender.pipeline.stack.outputs["LedgerTable"])
    return table.read(KeyedHash(lambda: LEDGER_KEY).of(recipient))


def test_running_stack_says_why_somebody_is_blocked(sender: Sender) -> None:
    """The packaged function, with what its own role may do, and the key from SSM."""
    complaint = {"event": "spamreport", "email": "complained@example.com", "bulkId": "bulk-9"}

    sender.post(complaint)
    sender.wait_until_blocked("complained@example.com")

    wait_until(lambda: "applied" in kept(sender, "complained@example.com"))
    item = kept(sender, "complained@example.com")
    [fact] = [value["M"] for name, value in item.items() if name.startswith("f:")]
    [outcome] = [value["M"] for name, value in item.items() if name.startswith("o:")]
    assert item["applied"] == {"S": "9999-12-31"}
    assert (fact["kind"], fact["mail"]) == ({"S": "complaint"}, {"S": "bulk-9"})
    assert outcome["outcome"] == {"S": "blocked"}
    assert outcome["request_id"]["S"]


def test_operator_s_unblock_holds_against_what_came_before(sender: Sender) -> None:
    """A callback of last week that comes again must not undo what a person decided."""
    recipient = "unblocked@example.com"
    old = {"event": "spamreport", "email": recipient, "timestamp": 1_700_000_000}
    sender.post(old)
    sender.wait_until_blocked(recipient)
    sender.wait_until_quiet()
    client: DynamoDBClient = sender.pipeline.aws.client("dynamodb")
    ledger = _Ledger(
        DynamoTable(lambda: client, sender.pipeline.stack.outputs["LedgerTable"]),
        hashed=KeyedHash(lambda: LEDGER_KEY),
        retention_days=400,
        policy_version="",
        batch_id="",
    )

    ledger.take_back(recipient, 1_700_000_060)
    requests = len(sender.double.requests)
    sender.post(old)
    sender.wait_until_quiet()

    assert len(sender.double.requests) == requests
    assert ledger.history(recipient).applied is None
