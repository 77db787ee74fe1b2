"""The brake against DynamoDB as the emulator has it."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.blocklist.adapters.dynamo_brake import HOURS_KEY, MAX_STALE_HOURS, DynamoBrake
from functions.blocklist.adapters.dynamo_table import DynamoTable, Update
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.domain.errors import ConfigurationError, UnavailableError
from functions.blocklist.services.ports import Braked
from tests.fakes import FakeClock

pytestmark = pytest.mark.integration

NEVER = float("inf")
HOUR = 3600
NOW = 500_000 * HOUR + 60.0
WEEK_HOURS = 168


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


MakeBrake = Callable[..., DynamoBrake]


@pytest.fixture
def make_brake(table: DynamoTable, hashed: KeyedHash, clock: FakeClock) -> MakeBrake:
    """Make what each batch has its own of."""

    def make(**changed: Any) -> DynamoBrake:  # noqa: ANN401 - any of its arguments
        arguments: dict[str, Any] = {"hashed": hashed, "wall_clock": clock}
        return DynamoBrake(changed.pop("table", table), **(arguments | changed))

    return make


def people(number: int, *, mail: str = "", first: int = 0) -> Mapping[str, str]:
    return {f"p{position}@example.com": mail for position in range(first, first + number)}


def let_through(brake: DynamoBrake, mails: Mapping[str, str]) -> int:
    return len(mails) - len(set(brake.hold(mails, before=NEVER, undo_before=NEVER).held))


def hours(table: DynamoTable) -> Mapping[str, str]:
    item = table.read(HOURS_KEY)
    return {name: value["N"] for name, value in item.items() if name.startswith("h:")}


def test_five_hundred_an_hour_go_through(make_brake: MakeBrake) -> None:
    """Enough for a day of ordinary mail, and few enough to unblock by hand."""
    first = let_through(make_brake(), people(499))
    second = let_through(make_brake(), people(3, first=499))
    third = let_through(make_brake(), people(1, first=600))

    assert (first, second, third) == (499, 1, 0)


def test_whoever_comes_first_goes_through(make_brake: MakeBrake) -> None:
    mails = people(4)

    held = make_brake(per_hour=3).hold(mails, before=NEVER, undo_before=NEVER).held

    assert held == ["p3@example.com"]


def test_next_hour_begins_anew(make_brake: MakeBrake, clock: FakeClock) -> None:
    let_through(make_brake(per_hour=3), people(4))
    clock.now += HOUR

    assert let_through(make_brake(per_hour=3), people(4)) == 3


@pytest.mark.parametrize(("each_hour", "limit"), [(1, 5), (2, 20)])
def test_who_blocks_many_every_hour_may_block_ten_times_as_many(
    make_brake: MakeBrake, clock: FakeClock, each_hour: int, limit: int
) -> None:
    """Measured by the last whole week, so that a night or a weekend does not tighten it."""
    for _ in range(WEEK_HOURS):
        assert let_through(make_brake(per_hour=5), people(each_hour)) == each_hour
        clock.now += HOUR

    brake = make_brake(per_hour=5)
    passed = let_through(brake, people(100))

    assert passed == max(limit, 10 * each_hour)


def test_week_ends_where_it_began(make_brake: MakeBrake, clock: FakeClock) -> None:
    """A burst that is more than a week old, or of this very hour, allows no other."""
    let_through(make_brake(per_hour=168), people(168))
    clock.now += WEEK_HOURS * HOUR

    last_hour_that_counts = let_through(make_brake(per_hour=1), people(30))
    clock.now += HOUR
    next_hour = let_through(make_brake(per_hour=1), people(30))

    assert last_hour_that_counts == 10
    assert next_hour == 1


def test_what_is_held_is_not_counted(make_brake: MakeBrake, table: DynamoTable) -> None:
    """Else a flood would raise next week's mean, and let the next flood through."""
    make_brake(per_hour=3).hold(people(10), before=NEVER, undo_before=NEVER)

    assert hours(table) == {"h:500000": "3"}


def test_what_was_not_blocked_is_given_back(make_brake: MakeBrake, table: DynamoTable) -> None:
    """While Tencent does not answer the same recipients come again and again."""
    for _ in range(5):
        brake = make_brake(per_hour=3, per_mail=3)
        held = brake.hold(people(3, mail="m"), before=NEVER, undo_before=NEVER).held
        brake.give_back(people(3), before=NEVER)
        assert not held

    assert hours(table) == {"h:500000": "0"}
    assert let_through(make_brake(per_hour=3, per_mail=3), people(3, mail="m")) == 3


def test_only_what_was_let_through_is_given_back_and_once(
    make_brake: MakeBrake, table: DynamoTable
) -> None:
    """A recipient that was held, or never asked for, was not counted."""
    brake = make_brake(per_hour=3)
    brake.hold(people(5), before=NEVER, undo_before=NEVER)

    for _ in range(2):
        brake.give_back(["p0@example.com", "p4@example.com", "x@example.com"], before=NEVER)

    assert hours(table) == {"h:500000": "2"}


def test_what_was_counted_is_given_back_to_its_own_hour(
    make_brake: MakeBrake, clock: FakeClock, table: DynamoTable
) -> None:
    brake = make_brake()
    brake.hold(people(3), before=NEVER, undo_before=NEVER)
    clock.now += HOUR

    brake.give_back(people(2), before=NEVER)

    assert hours(table) == {"h:500000": "1"}


def test_two_hundred_for_one_mail_go_through(make_brake: MakeBrake, clock: FakeClock) -> None:
    """One bad campaign blocks no whole list, however slowly its bounces come."""
    first = let_through(make_brake(), people(150, mail="m"))
    clock.now += 3 * HOUR
    second = let_through(make_brake(), people(100, mail="m", first=150))

    assert (first, second) == (150, 50)


def test_one_mail_holds_no_other(
    make_brake: MakeBrake, table: DynamoTable, hashed: KeyedHash
) -> None:
    """Nor what belongs to no mail that is known; and what it held is counted nowhere."""
    mails = {**people(5, mail="m"), **people(2, mail="n", first=5), **people(3, first=7)}

    held = make_brake(per_mail=2).hold(mails, before=NEVER, undo_before=NEVER).held

    assert sorted(held) == ["p2@example.com", "p3@example.com", "p4@example.com"]
    assert hours(table) == {"h:500000": "7"}
    assert table.read(f"brake#mail#{hashed.of('m')}")["blocks"] == {"N": "2"}


def test_count_of_a_mail_names_neither_it_nor_anybody(
    make_brake: MakeBrake, table: DynamoTable, hashed: KeyedHash
) -> None:
    make_brake().hold(people(3, mail="bulk-1"), before=NEVER, undo_before=NEVER)

    item = table.read(f"brake#mail#{hashed.of('bulk-1')}")

    week_later = {"N": str(int(NOW) + 7 * 24 * HOUR)}
    assert item == {"pk": item["pk"], "blocks": {"N": "3"}, "expires_at": week_later}
    assert table.read(HOURS_KEY).keys() == {"pk", "expires_at", "h:500000"}


def test_mail_is_forgotten_a_week_after_its_first_block(
    make_brake: MakeBrake, clock: FakeClock, table: DynamoTable, hashed: KeyedHash
) -> None:
    """A mail id that never changes, as a test system may have, must not fill up for good."""
    make_brake().hold(people(1, mail="m"), before=NEVER, undo_before=NEVER)
    clock.now += 24 * HOUR
    make_brake().hold(people(1, mail="m"), before=NEVER, undo_before=NEVER)

    item = table.read(f"brake#mail#{hashed.of('m')}")

    assert item["expires_at"] == {"N": str(int(NOW) + 7 * 24 * HOUR)}


def test_sandboxes_at_once_let_no_more_through_than_one(make_brake: MakeBrake) -> None:
    """Each counts before it looks."""
    parts = [people(10, mail="m", first=10 * number) for number in range(20)]

    with ThreadPoolExecutor(8) as pool:
        passed = list(
            pool.map(lambda part: let_through(make_brake(per_hour=60, per_mail=40), part), parts)
        )

    assert 0 < sum(passed) <= 40


def test_old_hours_are_swept_up(
    make_brake: MakeBrake, clock: FakeClock, table: DynamoTable
) -> None:
    """The item is read with each batch: it must not grow for years."""
    for _ in range(WEEK_HOURS + MAX_STALE_HOURS + 3):
        make_brake().hold(people(1), before=NEVER, undo_before=NEVER)
        clock.now += HOUR

    assert WEEK_HOURS < len(hours(table)) <= WEEK_HOURS + MAX_STALE_HOURS + 1


def test_nobody_goes_through_uncounted(make_brake: MakeBrake) -> None:
    """A brake that lets everybody through when it cannot count is none."""
    error = ConfigurationError("ssm:ParameterNotFound")

    def no_key() -> str:
        raise error

    keyless = make_brake(hashed=KeyedHash(no_key)).hold(people(1), before=NEVER, undo_before=NEVER)
    late = make_brake().hold(people(1), before=float("-inf"), undo_before=NEVER)

    assert keyless == Braked(uncounted={"p0@example.com": error})
    assert {name: each.code for name, each in late.uncounted.items()} == {
        "p0@example.com": "NoTimeLeft"
    }


class _MailsFail(DynamoTable):
    """A table that cannot be written to where a mail of one block is counted."""

    def update(self, update: Update, *, before: float) -> Any:  # noqa: ANN401 - as it is
        if update.key.startswith("brake#mail") and {"N": "1"} in update.values.values():
            raise UnavailableError("down")
        return super().update(update, before=before)


def test_mail_that_cannot_be_counted_waits_alone_and_gives_its_room_back(
    make_brake: MakeBrake, table: DynamoTable, hashed: KeyedHash
) -> None:
    """It comes again, and must find the room that it had; all others have nothing to wait for."""
    failing = _MailsFail(table._client, table._name)  # noqa: SLF001 - the same table
    mails = {**people(2, mail="good"), **people(1, mail="bad", first=2)}

    braked = make_brake(table=failing).hold(mails, before=NEVER, undo_before=NEVER)

    assert braked.held == []
    assert {name: each.code for name, each in braked.uncounted.items()} == {
        "p2@example.com": "down"
    }
    assert hours(table) == {"h:500000": "2"}
    assert table.read(f"brake#mail#{hashed.of('good')}")["blocks"] == {"N": "2"}


class _Over(DynamoTable):
    """A table whose first update uses up the time that there is for counting."""

    used = False

    def update(self, update: Update, *, before: float) -> Any:  # noqa: ANN401 - as it is
        if self.used and before != NEVER:
            raise UnavailableError("NoTimeLeft")
        self.used = True
        return super().update(update, before=before)


def test_what_there_was_no_time_to_count_is_given_back_all_the_same(
    make_brake: MakeBrake, table: DynamoTable
) -> None:
    """A slow table would leave a whole batch counted each time, and then hold everybody."""
    slow = _Over(table._client, table._name)  # noqa: SLF001 - the same table
    soon = time.monotonic() + 60

    braked = make_brake(table=slow).hold(people(400, mail="m"), before=soon, undo_before=NEVER)

    assert braked.uncounted.keys() == people(400).keys()
    assert hours(table) == {"h:500000": "0"}


def test_what_is_held_is_taken_off_although_the_time_to_count_is_over(
    make_brake: MakeBrake, table: DynamoTable
) -> None:
    soon = time.monotonic() + 60
    over = _Over(table._client, table._name)  # noqa: SLF001 - the same table

    held = make_brake(table=over, per_hour=3).hold(people(5), before=soon, undo_before=NEVER).held

    assert len(held) == 2
    assert hours(table) == {"h:500000": "3"}
