"""One table's updates: what is asked of DynamoDB, and what its failures mean."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from functions.blocklist.adapters.dynamo_table import (
    CONCURRENCY,
    MAX_TRIES,
    ChangedError,
    DynamoTable,
    ItemTooLargeError,
    Update,
    WrongRequestError,
)
from functions.blocklist.domain.errors import (
    ConfigurationError,
    RetryLaterError,
    UnavailableError,
)
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NEVER = float("inf")
URL = "https://dynamodb.ap-southeast-1.amazonaws.com"
ITEM = {"pk": {"S": "key"}, "n": {"N": "1"}}
UNREACHABLE = EndpointConnectionError(endpoint_url=URL)


def refusal(code: str, message: str = "", **more: Any) -> ClientError:  # noqa: ANN401 - as botocore
    response: Any = {"Error": {"Code": code, "Message": message}, **more}
    return ClientError(response, "UpdateItem")


@dataclass
class FakeDynamo:
    """Answers every call with the next of *answers*, then with the last one again."""

    answers: Sequence[Mapping[str, Any] | Exception] = ({"Attributes": ITEM},)
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self)

    def update_item(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as botocore
        with self._lock:
            self.calls.append(request)
            answer = self.answers[min(len(self.calls), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    get_item = update_item


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_table(clock: FakeClock) -> Callable[[FakeDynamo], DynamoTable]:
    return lambda dynamo: DynamoTable(dynamo.client, "ledger", clock=clock, sleep=clock.sleep)


MakeTable = Callable[[FakeDynamo], DynamoTable]


def an_update() -> Update:
    update = Update("key")
    update.set("n", {"N": "1"})
    return update


def test_what_counts_is_tried_once(make_table: MakeTable) -> None:
    """
    A try without an answer may have taken effect, and a number added twice is another number.

    What the brake takes off twice would let a flood through; what it counts twice, hold everybody.
    """
    dynamo = FakeDynamo([ReadTimeoutError(endpoint_url=URL), {"Attributes": ITEM}])
    update = Update("key")
    update.add("n", {"N": "-3300"})

    with pytest.raises(UnavailableError, match="ReadTimeoutError"):
        make_table(dynamo).update(update, before=NEVER)

    assert len(dynamo.calls) == 1


def test_what_is_added_to_a_set_is_tried_again(make_table: MakeTable) -> None:
    dynamo = FakeDynamo([ReadTimeoutError(endpoint_url=URL), {"Attributes": ITEM}])
    update = Update("key")
    update.add("held", {"SS": ["a"]})

    assert make_table(dynamo).update(update, before=NEVER) == ITEM


@pytest.fixture
def real_client() -> "DynamoDBClient":
    client: DynamoDBClient = boto3.client("dynamodb")
    return client


@pytest.fixture
def stubber(real_client: "DynamoDBClient") -> Iterator[Stubber]:
    with Stubber(real_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_update_is_put_as_botocore_wants_it(
    real_client: "DynamoDBClient", stubber: Stubber
) -> None:
    """Names go under placeholders: `at` and `until` are words that DynamoDB keeps for itself."""
    update = Update("key")
    update.set("until", {"S": "x"})
    update.set_once("first", {"S": "y"})
    update.set_or_remove("there", {"S": "z"})
    update.set_or_remove("gone", None)
    update.add("n", {"N": "1"})
    update.delete("held", {"SS": ["a"]})
    update.only_if("until", {"S": "w"})
    update.only_if("gone", None)
    update.only_if_size("unblocked", 2)
    update.only_if_size("none", 0)
    stubber.add_response(
        "update_item",
        {"Attributes": ITEM},
        {
            "TableName": "ledger",
            "Key": {"pk": {"S": "key"}},
            "UpdateExpression": (
                "SET #0=:0,#1=if_not_exists(#1,:1),#2=:2 REMOVE #3 ADD #4 :3 DELETE #5 :4"
            ),
            "ConditionExpression": (
                "#0=:5 AND attribute_not_exists(#3) AND size(#6)=:6 AND attribute_not_exists(#7)"
            ),
            "ExpressionAttributeNames": {
                "#0": "until",
                "#1": "first",
                "#2": "there",
                "#3": "gone",
                "#4": "n",
                "#5": "held",
                "#6": "unblocked",
                "#7": "none",
            },
            "ExpressionAttributeValues": {
                ":0": {"S": "x"},
                ":1": {"S": "y"},
                ":2": {"S": "z"},
                ":3": {"N": "1"},
                ":4": {"SS": ["a"]},
                ":5": {"S": "w"},
                ":6": {"N": "2"},
            },
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    )

    item = DynamoTable(lambda: real_client, "ledger").update(update, before=NEVER)

    assert item == ITEM


def test_item_that_changed_is_given(real_client: "DynamoDBClient", stubber: Stubber) -> None:
    """Without a second call: the answer that refuses brings what stands there."""
    stubber.add_client_error(
        "update_item",
        "ConditionalCheckFailedException",
        modeled_fields={"Item": ITEM},
    )

    with pytest.raises(ChangedError) as changed:
        DynamoTable(lambda: real_client, "ledger").update(an_update(), before=NEVER)

    assert changed.value.item == ITEM


def test_item_that_is_gone_has_changed_too(make_table: MakeTable) -> None:
    dynamo = FakeDynamo([refusal("ConditionalCheckFailedException")])

    with pytest.raises(ChangedError) as changed:
        make_table(dynamo).update(an_update(), before=NEVER)

    assert changed.value.item == {}
    assert len(dynamo.calls) == 1


@pytest.mark.parametrize(
    ("error", "kind", "code", "tries"),
    [
        (
            refusal("ProvisionedThroughputExceededException"),
            UnavailableError,
            "dynamodb:ProvisionedThroughputExceededException",
            MAX_TRIES,
        ),
        (
            refusal("ThrottlingException"),
            UnavailableError,
            "dynamodb:ThrottlingException",
            MAX_TRIES,
        ),
        (
            refusal("InternalServerError"),
            UnavailableError,
            "dynamodb:InternalServerError",
            MAX_TRIES,
        ),
        (refusal("503"), UnavailableError, "dynamodb:503", MAX_TRIES),
        (UNREACHABLE, UnavailableError, "dynamodb:EndpointConnectionError", MAX_TRIES),
        (
            ReadTimeoutError(endpoint_url=URL),
            UnavailableError,
            "dynamodb:ReadTimeoutError",
            MAX_TRIES,
        ),
        (refusal("AccessDeniedException"), ConfigurationError, "dynamodb:AccessDeniedException", 1),
        (
            refusal("ResourceNotFoundException"),
            ConfigurationError,
            "dynamodb:ResourceNotFoundException",
            1,
        ),
        (
            refusal("ValidationException", "The provided key element does not match the schema"),
            WrongRequestError,
            "dynamodb:ValidationException",
            1,
        ),
        (
            refusal(
                "ValidationException", "Item size to update has exceeded the maximum allowed size"
            ),
            ItemTooLargeError,
            "dynamodb:ItemTooLarge",
            1,
        ),
    ],
)
def test_failure_says_what_to_do_about_it(
    make_table: MakeTable, error: Exception, kind: type[RetryLaterError], code: str, tries: int
) -> None:
    """Only what may pass by itself is tried again; what an operator must mend rings."""
    dynamo = FakeDynamo([error])

    with pytest.raises(RetryLaterError) as raised:
        make_table(dynamo).update(an_update(), before=NEVER)

    assert (type(raised.value), raised.value.code) == (kind, code)
    assert len(dynamo.calls) == tries
    assert raised.value.__suppress_context__  # DynamoDB's own text may hold what was sent


def test_item_that_is_too_large_is_no_setting() -> None:
    """One address with events without end must not ring as if nothing worked."""
    assert not issubclass(ItemTooLargeError, ConfigurationError)
    assert issubclass(WrongRequestError, ConfigurationError)


def test_second_try_may_succeed(make_table: MakeTable, clock: FakeClock) -> None:
    dynamo = FakeDynamo([UNREACHABLE, {"Attributes": ITEM}])

    item = make_table(dynamo).update(an_update(), before=NEVER)

    assert item == ITEM
    assert len(clock.sleeps) == 1


def test_answer_without_an_item_is_none(make_table: MakeTable) -> None:
    """
    An answer with status 200 and rubbish in it passes for a good one with botocore.

    Taken for an empty history it would make an address look as if it had never been unblocked.
    """
    dynamo = FakeDynamo([{}])

    with pytest.raises(UnavailableError, match="dynamodb:NoItem"):
        make_table(dynamo).update(an_update(), before=NEVER)


def test_nothing_begins_when_time_is_over(make_table: MakeTable, clock: FakeClock) -> None:
    dynamo = FakeDynamo()

    with pytest.raises(UnavailableError, match="NoTimeLeft"):
        make_table(dynamo).update(an_update(), before=clock.now)

    assert not dynamo.calls


def test_no_further_try_begins_when_time_is_over(clock: FakeClock) -> None:
    def fail() -> "DynamoDBClient":
        clock.now += 1
        raise UNREACHABLE

    table = DynamoTable(fail, "ledger", clock=clock, sleep=lambda _: None)

    with pytest.raises(UnavailableError, match="EndpointConnectionError"):
        table.update(an_update(), before=clock.now + 1.5)

    assert clock.now == 1002


def test_one_failure_leaves_the_others_alone(make_table: MakeTable) -> None:
    table = make_table(FakeDynamo())

    def work(name: str) -> str:
        if name == "b":
            raise UnavailableError("down")
        return name.upper()

    answers = table.each(work, ["a", "b", "c"])

    assert (answers["a"], answers["c"]) == ("A", "C")
    assert isinstance(answers["b"], UnavailableError)
    assert list(answers) == ["a", "b", "c"]


def test_what_only_an_operator_can_mend_is_not_asked_for_again(make_table: MakeTable) -> None:
    """Thousands of calls that cannot succeed would use the invocation up."""
    dynamo = FakeDynamo([refusal("AccessDeniedException")])
    table = make_table(dynamo)
    names = [str(number) for number in range(1000)]

    answers = table.each(lambda _: table.update(an_update(), before=NEVER), names)

    assert {getattr(answer, "code", "") for answer in answers.values()} == {
        "dynamodb:AccessDeniedException"
    }
    assert len(dynamo.calls) <= CONCURRENCY


def test_wrong_request_says_nothing_about_others(make_table: MakeTable) -> None:
    """Were one address enough to stop the rest, one callback would stop everything for good."""
    dynamo = FakeDynamo([refusal("ValidationException"), {"Attributes": ITEM}])
    table = make_table(dynamo)

    answers = table.each(lambda _: table.update(an_update(), before=NEVER), ["a", "b", "c"])

    assert sorted(type(answer).__name__ for answer in answers.values()) == [
        "WrongRequestError",
        "dict",
        "dict",
    ]


def test_nobody_is_nothing_to_do(make_table: MakeTable) -> None:
    assert make_table(FakeDynamo()).each(str, []) == {}


def test_item_is_read_as_it_stands(real_client: "DynamoDBClient", stubber: Stubber) -> None:
    stubber.add_response(
        "get_item",
        {"Item": ITEM},
        {"TableName": "ledger", "Key": {"pk": {"S": "key"}}, "ConsistentRead": True},
    )

    assert DynamoTable(lambda: real_client, "ledger").read("key") == ITEM


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(refusal("AccessDeniedException"), ConfigurationError), (UNREACHABLE, UnavailableError)],
)
def test_item_that_cannot_be_read_is_not_empty(
    make_table: MakeTable, answer: Exception, kind: type[RetryLaterError]
) -> None:
    with pytest.raises(kind):
        make_table(FakeDynamo([answer])).read("key")


def test_item_that_is_not_there_is_empty(make_table: MakeTable) -> None:
    assert make_table(FakeDynamo([{}])).read("key") == {}


def test_update_tells_nobody_about_whom_it_is() -> None:
    """A key is a person's, hashed; values hold the address."""
    update = Update("secret-key")
    update.set("address", {"S": "jane@example.com"})

    assert "jane" not in repr(update)
    assert "secret-key" not in repr(update)
