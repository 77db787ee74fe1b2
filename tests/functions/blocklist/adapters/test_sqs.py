"""Sending to the two queues, and the visibility of what is handed back."""

import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters.records import RecordMessage
from functions.blocklist.adapters.sqs import (
    ATTRIBUTE_BYTES,
    CALL_SECONDS,
    CONCURRENCY,
    MAX_BATCH_BYTES,
    SqsDeadLetters,
    SqsEventQueue,
    SqsRedelivery,
    SqsSender,
)
from functions.blocklist.domain.dead_letters import DeadLetter, ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

URL = "https://sqs.ap-southeast-1.amazonaws.com/123456789012/queue"
NEVER = float("inf")
UNREACHABLE = EndpointConnectionError(endpoint_url=URL)

#: As the API's reference gives them.
NOT_CARRIED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Entry = Mapping[str, Any]


def refusal(code: str = "InvalidMessageContents") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "SendMessageBatch")


@dataclass
class FakeSqs:
    """
    SendMessageBatch and ChangeMessageVisibilityBatch with their limits.

    *failures* holds the ids to be answered as failed, or what to raise, request by request;
    *poison* is a body that no request may hold.
    """

    failures: Sequence[Sequence[int] | Exception] = ()
    poison: str = ""
    requests: list[list[Entry]] = field(default_factory=list)
    sent: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sizes(self) -> list[int]:
        return [len(entries) for entries in self.requests]

    @property
    def bodies(self) -> list[str]:
        return [entry["MessageBody"] for entry in self.sent]

    def client(self) -> "SQSClient":
        return cast("SQSClient", self)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Entry]) -> Any:  # noqa: ANN401, N803
        assert QueueUrl == URL
        with self._lock:
            self.requests.append(Entries)
            failed = self._failed()
        if any(_is_refused(entry, self.poison) for entry in Entries):
            raise refusal()
        assert len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        if sum(map(_size, Entries)) > 1024 * 1024:
            raise refusal("AWS.SimpleQueueService.BatchRequestTooLong")
        good = [entry for entry in Entries if int(entry["Id"]) not in failed]
        with self._lock:
            self.sent += good
        return {
            "Successful": [{"Id": entry["Id"]} for entry in good],
            "Failed": [{"Id": entry["Id"]} for entry in Entries if entry not in good],
        }

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Entry]) -> None:  # noqa: N803
        assert QueueUrl == URL
        with self._lock:
            self.requests.append(Entries)
            self._failed()
            self.sent += Entries

    def _failed(self) -> Sequence[int]:
        number = len(self.requests) - 1
        failed = self.failures[number] if number < len(self.failures) else ()
        if isinstance(failed, Exception):
            raise failed
        return failed


def _is_refused(entry: Entry, poison: str) -> bool:
    texts = [value["StringValue"] for value in entry["MessageAttributes"].values()]
    texts.append(entry["MessageBody"])
    return entry["MessageBody"] == poison or any(
        not text or NOT_CARRIED.search(text) for text in texts
    )


def _size(entry: Entry) -> int:
    attributes = sum(
        len(f"{name}{value['DataType']}{value['StringValue']}".encode())
        for name, value in entry["MessageAttributes"].items()
    )
    return len(entry["MessageBody"].encode()) + attributes


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_queue(clock: FakeClock) -> Callable[[FakeSqs], SqsEventQueue]:
    return lambda sqs: SqsEventQueue(SqsSender(sqs.client, URL, clock=clock, sleep=clock.sleep))


@pytest.fixture
def make_dead_letters(clock: FakeClock) -> Callable[[FakeSqs], SqsDeadLetters]:
    return lambda sqs: SqsDeadLetters(SqsSender(sqs.client, URL, clock=clock, sleep=clock.sleep))


@pytest.fixture
def make_redelivery(clock: FakeClock) -> Callable[[FakeSqs], SqsRedelivery]:
    return lambda sqs: SqsRedelivery(sqs.client, URL, clock=clock)


@pytest.fixture(scope="module")
def client() -> "SQSClient":
    client: SQSClient = boto3.client(
        "sqs", "ap-southeast-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return client


@pytest.fixture
def stubber(client: "SQSClient") -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


MakeQueue = Callable[[FakeSqs], SqsEventQueue]
MakeDeadLetters = Callable[[FakeSqs], SqsDeadLetters]
MakeRedelivery = Callable[[FakeSqs], SqsRedelivery]


def test_events_are_sent_as_botocore_wants_them(client: "SQSClient", stubber: Stubber) -> None:
    """The fake takes what it is given; botocore knows the names and the types."""
    stubber.add_response(
        "send_message_batch",
        {"Successful": [_success("0"), _success("1")], "Failed": []},
        {
            "QueueUrl": URL,
            "Entries": [
                {"Id": "0", "MessageBody": '{"a":1}', "MessageAttributes": {}},
                {"Id": "1", "MessageBody": '{"b":2}', "MessageAttributes": {}},
            ],
        },
    )

    failed = SqsEventQueue(SqsSender(lambda: client, URL)).put(['{"a":1}', '{"b":2}'], before=NEVER)

    assert not failed


def _success(entry_id: str) -> dict[str, str]:
    return {"Id": entry_id, "MessageId": f"m-{entry_id}", "MD5OfMessageBody": "0" * 32}


@pytest.mark.parametrize(
    ("events", "sizes"),
    [(0, []), (1, [1]), (10, [10]), (11, [1, 10]), (25, [5, 10, 10])],
)
def test_ten_messages_go_in_a_request(make_queue: MakeQueue, events: int, sizes: list[int]) -> None:
    sqs = FakeSqs()
    bodies = [f"event {number}" for number in range(events)]

    failed = make_queue(sqs).put(bodies, before=NEVER)

    assert not failed
    assert sorted(sqs.sizes) == sizes
    assert sorted(sqs.bodies) == sorted(bodies)


@pytest.mark.parametrize(("excess", "sizes"), [(0, [2]), (1, [1, 1])])
@pytest.mark.parametrize("letter", ["a", "é", "例"])
def test_request_has_at_most_a_mebibyte(
    make_queue: MakeQueue, letter: str, excess: int, sizes: list[int]
) -> None:
    """Counted as SQS does, in bytes of UTF-8."""
    sqs = FakeSqs()
    half = letter * (1000 // len(letter.encode()))
    rest = "b" * (MAX_BATCH_BYTES - len(half.encode()) + excess)

    failed = make_queue(sqs).put([half, rest], before=NEVER)

    assert not failed
    assert sqs.sizes == sizes


def test_message_that_failed_is_tried_again_alone(make_queue: MakeQueue) -> None:
    """Its neighbours are on the queue: again would be twice."""
    sqs = FakeSqs(failures=[[1]])

    failed = make_queue(sqs).put(["a", "b", "c"], before=NEVER)

    assert not failed
    assert sqs.sizes == [3, 1]
    assert sqs.bodies == ["a", "c", "b"]


def test_message_is_tried_three_times(make_queue: MakeQueue) -> None:
    sqs = FakeSqs(failures=[[0, 2], [0, 1], [1]])

    failed = make_queue(sqs).put(["a", "b", "c"], before=NEVER)

    assert set(failed) == {2}
    assert sqs.sizes == [3, 2, 2]
    assert sqs.bodies == ["b", "a"]


@pytest.mark.parametrize("error", [UNREACHABLE, ReadTimeoutError(endpoint_url=URL)])
def test_request_without_an_answer_is_tried_again_as_it_is(
    make_queue: MakeQueue, error: Exception
) -> None:
    """No message is at fault. It may have arrived all the same; twice is harmless."""
    sqs = FakeSqs(failures=[error])

    failed = make_queue(sqs).put(list("abc"), before=NEVER)

    assert not failed
    assert sqs.sizes == [3, 3]


def test_nothing_raises_when_nothing_can_be_sent(make_queue: MakeQueue) -> None:
    sqs = FakeSqs(failures=[UNREACHABLE] * 3)

    failed = make_queue(sqs).put(list("abc"), before=NEVER)

    assert set(failed) == {0, 1, 2}
    assert sqs.sizes == [3, 3, 3]


def test_one_message_never_harms_nine_others(make_queue: MakeQueue) -> None:
    """SQS refuses a request whole for one message that it does not take."""
    sqs = FakeSqs(poison="e")

    failed = make_queue(sqs).put(list("abcdefghij"), before=NEVER)

    assert set(failed) == {4}
    assert sqs.bodies == list("abcdfghij")
    assert sqs.sizes == [10] + [1] * 10 + [1]


def test_messages_that_went_one_by_one_stay_apart(make_queue: MakeQueue) -> None:
    """A bad moment in between must not put the good beside the bad one again."""
    sqs = FakeSqs(poison="b", failures=[(), UNREACHABLE, UNREACHABLE])

    failed = make_queue(sqs).put(["a", "b"], before=NEVER)

    assert set(failed) == {1}
    assert sqs.bodies == ["a"]


def test_answer_that_names_no_message_is_no_success(make_queue: MakeQueue) -> None:
    """
    Only what SQS says it has may be answered with 200.

    botocore takes any answer with status 200 for a good one, a proxy's page too.
    """
    sqs = FakeSqs()
    sqs.send_message_batch = lambda **_: {}  # type: ignore[method-assign]

    failed = make_queue(sqs).put(["a", "b"], before=NEVER)

    assert set(failed) == {0, 1}


def test_tries_are_a_moment_apart(make_queue: MakeQueue, clock: FakeClock) -> None:
    """At random, so that several doors do not knock together; short, since Tencent waits."""
    make_queue(FakeSqs(failures=[UNREACHABLE] * 3)).put(["a"], before=NEVER)

    first, second = clock.sleeps
    assert 0 <= first <= 0.2
    assert 0 <= second <= 0.4


def test_first_try_does_not_wait(make_queue: MakeQueue, clock: FakeClock) -> None:
    make_queue(FakeSqs()).put(["a"], before=NEVER)

    assert clock.sleeps == []


@pytest.mark.parametrize(("seconds", "sizes"), [(CALL_SECONDS, [1]), (CALL_SECONDS - 0.125, [])])
def test_request_starts_only_if_it_can_end_in_time(
    make_queue: MakeQueue, clock: FakeClock, seconds: float, sizes: list[int]
) -> None:
    """Cut off in the middle of one, the function could not say what is missing."""
    sqs = FakeSqs()

    failed = make_queue(sqs).put(["a"], before=clock.now + seconds)

    assert sqs.sizes == sizes
    assert set(failed) == ({0} if not sizes else set())


def test_tries_end_when_the_time_does(make_queue: MakeQueue, clock: FakeClock) -> None:
    sqs = FakeSqs()

    def slow(**_: object) -> None:
        clock.now += CALL_SECONDS
        sqs.requests.append([])
        raise ReadTimeoutError(endpoint_url=URL)

    sqs.send_message_batch = slow  # type: ignore[method-assign]

    failed = make_queue(sqs).put(["a"], before=clock.now + 1.5 * CALL_SECONDS)

    assert set(failed) == {0}
    assert len(sqs.requests) == 1


def test_requests_run_side_by_side(make_queue: MakeQueue) -> None:
    """A callback of many events has to be kept within the door's ten seconds."""
    sqs, together = FakeSqs(), threading.Barrier(CONCURRENCY, timeout=10)
    send = sqs.send_message_batch

    def meet(**request: Any) -> Any:  # noqa: ANN401 - passed on
        together.wait()
        return send(**request)

    sqs.send_message_batch = meet  # type: ignore[method-assign]

    failed = make_queue(sqs).put(["x"] * 10 * CONCURRENCY, before=NEVER)

    assert not failed
    assert sqs.sizes == [10] * CONCURRENCY


def test_request_that_fails_leaves_the_others_alone(make_queue: MakeQueue) -> None:
    sqs = FakeSqs(poison="event 13")
    bodies = [f"event {number}" for number in range(30)]

    failed = make_queue(sqs).put(bodies, before=NEVER)

    assert set(failed) == {13}
    assert sorted(sqs.bodies) == sorted(set(bodies) - {"event 13"})


@pytest.mark.parametrize("events", [1, 10, 11, 25])
def test_client_is_built_outside_of_threads(clock: FakeClock, events: int) -> None:
    """Building one in several threads at once is not safe; using one is."""
    sqs, builders = FakeSqs(), list[threading.Thread]()

    def build() -> "SQSClient":
        builders.append(threading.current_thread())
        return sqs.client()

    SqsEventQueue(SqsSender(build, URL, clock=clock)).put(["x"] * events, before=NEVER)
    SqsRedelivery(build, URL, clock=clock).postpone([("handle", 30)] * events, before=NEVER)

    assert builders[0] is threading.current_thread()


def test_client_is_not_built_for_nothing(clock: FakeClock) -> None:
    """Most callbacks report a delivery, and building one costs most of a cold start."""

    def build() -> "SQSClient":
        raise AssertionError("nothing to send")

    assert not SqsEventQueue(SqsSender(build, URL, clock=clock)).put([], before=NEVER)
    assert not SqsDeadLetters(SqsSender(build, URL, clock=clock)).put([], before=NEVER)
    SqsRedelivery(build, URL, clock=clock).postpone([], before=NEVER)


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ('{"a": "\ufffe\uffff"}', '{"a": "\\ufffe\\uffff"}'),
        ('{"a": "\U0001f4a9 例 \ufffd \ue000"}', '{"a": "\U0001f4a9 例 \ufffd \ue000"}'),
        ('{\t"a":\r\n1}', '{\t"a":\r\n1}'),
    ],
    ids=ascii,
)
def test_what_sqs_does_not_carry_is_escaped(make_queue: MakeQueue, event: str, body: str) -> None:
    sqs = FakeSqs()

    failed = make_queue(sqs).put([event], before=NEVER)

    assert not failed
    assert sqs.bodies == [body]


@given(st.dictionaries(st.text(), st.text()))
def test_any_event_arrives_and_means_the_same(fields: dict[str, str]) -> None:
    sqs = FakeSqs()

    failed = SqsEventQueue(SqsSender(sqs.client, URL)).put(
        [json.dumps(fields, ensure_ascii=False)], before=NEVER
    )

    assert not failed
    assert [json.loads(body) for body in sqs.bodies] == [fields]


def test_dead_letter_is_sent_as_botocore_wants_it(client: "SQSClient", stubber: Stubber) -> None:
    stubber.add_response(
        "send_message_batch",
        {"Successful": [_success("0")], "Failed": []},
        {
            "QueueUrl": URL,
            "Entries": [
                {
                    "Id": "0",
                    "MessageBody": "b\u00e9\n",
                    "MessageAttributes": {
                        "ErrorCode": {"DataType": "String", "StringValue": "RefusedAddress"},
                        "ErrorMessage": {
                            "DataType": "String",
                            "StringValue": ErrorCode.REFUSED_ADDRESS.sentence,
                        },
                        "RequestId": {"DataType": "String", "StringValue": "request-1"},
                        "Origin": {"DataType": "String", "StringValue": "operator"},
                    },
                }
            ],
        },
    )
    letter = DeadLetter(
        "b\u00e9\n".encode(), ErrorCode.REFUSED_ADDRESS, "request-1", from_operator=True
    )

    failed = SqsDeadLetters(SqsSender(lambda: client, URL)).put([letter], before=NEVER)

    assert not failed


@pytest.mark.parametrize("request_id", [None, ""])
def test_letter_without_a_request_has_only_code_and_sentence(
    make_dead_letters: MakeDeadLetters, request_id: str | None
) -> None:
    """SQS refuses an attribute without text. An origin would lift the check of senders."""
    sqs = FakeSqs()

    make_dead_letters(sqs).put(
        [DeadLetter(b"x", ErrorCode.UNKNOWN_EVENT, request_id)], before=NEVER
    )

    [entry] = sqs.sent
    assert entry["MessageAttributes"].keys() == {"ErrorCode", "ErrorMessage"}


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"\x00", b"a\x1bb", b"\x7f\x80", b"\xed\xa0\x80", "\ufffe".encode(), b"\x1f\x8b\x08"],
)
def test_body_that_sqs_does_not_carry_goes_as_base64(
    make_dead_letters: MakeDeadLetters, body: bytes
) -> None:
    sqs = FakeSqs()

    failed = make_dead_letters(sqs).put([DeadLetter(body, ErrorCode.MALFORMED_EVENT)], before=NEVER)

    [entry] = sqs.sent
    assert not failed
    assert b64decode(entry["MessageBody"]) == body
    assert entry["MessageAttributes"]["BodyEncoding"]["StringValue"] == "base64"
    assert "BodyPart" not in entry["MessageAttributes"]


ROOM = MAX_BATCH_BYTES - ATTRIBUTE_BYTES


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"a" * ROOM, [None]),
        (b"a" * (ROOM + 1), ["1/2", "2/2"]),
        (b"a" * 1024 * 1024, ["1/2", "2/2"]),
        (b"\xff" * (ROOM // 4 * 3), [None]),
        (b"\xff" * (ROOM // 4 * 3 + 1), ["1/2", "2/2"]),
        (b"\xff" * 1024 * 1024, ["1/2", "2/2"]),
        (("é" * (ROOM // 2)).encode(), [None]),
    ],
    ids=lambda value: str(len(value)),
)  # fmt: skip
def test_body_that_does_not_fit_goes_in_two_parts(
    make_dead_letters: MakeDeadLetters, body: bytes, parts: list[str | None]
) -> None:
    """What the door takes, up to 1 MiB, must be kept, and a message has no more room."""
    sqs = FakeSqs()
    letter = DeadLetter(body, ErrorCode.MALFORMED_EVENT, "r" * 64, from_operator=True)

    failed = make_dead_letters(sqs).put([letter], before=NEVER)

    entries = sorted(sqs.sent, key=lambda entry: _attribute(entry, "BodyPart") or "")
    assert not failed
    assert [_attribute(entry, "BodyPart") for entry in entries] == parts
    assert b"".join(_original(entry) for entry in entries) == body
    assert {_attribute(entry, "ErrorCode") for entry in entries} == {"MalformedEvent"}


def _attribute(entry: Entry, name: str) -> str | None:
    value = entry["MessageAttributes"].get(name)
    return value and cast("str", value["StringValue"])


def _original(entry: Entry) -> bytes:
    body: str = entry["MessageBody"]
    return b64decode(body) if _attribute(entry, "BodyEncoding") == "base64" else body.encode()


def test_letter_is_kept_only_with_all_its_parts(make_dead_letters: MakeDeadLetters) -> None:
    sqs = FakeSqs()
    send = sqs.send_message_batch

    def lose_second_part(**request: Any) -> Any:  # noqa: ANN401 - passed on
        if any(_attribute(entry, "BodyPart") == "2/2" for entry in request["Entries"]):
            raise UNREACHABLE
        return send(**request)

    sqs.send_message_batch = lose_second_part  # type: ignore[method-assign]
    small, large = DeadLetter(b"x", ErrorCode.MALFORMED_EVENT), DeadLetter(
        b"\xff" * 1024 * 1024, ErrorCode.MALFORMED_EVENT
    )  # fmt: skip

    failed = make_dead_letters(sqs).put([small, large, small], before=NEVER)

    assert 1 in failed


def test_letter_without_a_body_is_not_lost_in_silence(make_dead_letters: MakeDeadLetters) -> None:
    """SQS carries no empty message. Taken for sent, it would be deleted at its source."""
    sqs = FakeSqs()
    letters = [DeadLetter(body, ErrorCode.MALFORMED_EVENT) for body in (b"a", b"", b"b")]

    failed = make_dead_letters(sqs).put(letters, before=NEVER)

    assert set(failed) == {1}
    assert sqs.bodies == ["a", "b"]


@pytest.mark.parametrize("code", ErrorCode)
def test_attributes_never_take_more_than_their_room(
    make_dead_letters: MakeDeadLetters, code: ErrorCode
) -> None:
    """They count towards the limit of a request, which is cut before they are known."""
    sqs = FakeSqs()
    letter = DeadLetter(b"\xff", code, "r" * 64, from_operator=True)

    make_dead_letters(sqs).put([letter], before=NEVER)

    [entry] = sqs.sent
    assert _size(entry) - len(entry["MessageBody"]) <= ATTRIBUTE_BYTES


def test_letters_that_fill_a_request_leave_room_for_their_attributes(
    make_dead_letters: MakeDeadLetters,
) -> None:
    sqs = FakeSqs()
    letters = [
        DeadLetter(b"x" * (MAX_BATCH_BYTES // 10 - size), ErrorCode.MALFORMED_EVENT)
        for size in (0, 100, 500, 1024, 1025) * 4
    ]

    failed = make_dead_letters(sqs).put(letters, before=NEVER)

    assert not failed
    assert len(sqs.sent) == len(letters)


@given(st.binary(min_size=1, max_size=200) | st.text(min_size=1).map(str.encode), st.booleans())
def test_redriven_letter_is_what_it_was(body: bytes, from_operator: bool) -> None:  # noqa: FBT001
    """Byte for byte, with the origin that lifts the check of senders."""
    sqs = FakeSqs()
    letter = DeadLetter(body, ErrorCode.UNKNOWN_EVENT, from_operator=from_operator)

    SqsDeadLetters(SqsSender(sqs.client, URL)).put([letter], before=NEVER)

    message = RecordMessage(_delivered(sqs.sent[0]))
    assert (message.body, message.from_operator) == (body, from_operator)


def test_redriven_base64_letter_is_understood(make_dead_letters: MakeDeadLetters) -> None:
    """Once the table of events is extended, a redrive is all it takes."""
    sqs = FakeSqs()
    body = '{"event": "spamreport", "email": "jane@example.com", "reason": "\ufffe"}'.encode()
    make_dead_letters(sqs).put([DeadLetter(body, ErrorCode.UNKNOWN_EVENT)], before=NEVER)

    message = RecordMessage(_delivered(sqs.sent[0]))

    assert _attribute(sqs.sent[0], "BodyEncoding") == "base64"
    assert message.body == body
    assert message.events == [
        DeliveryEvent(EventKind.COMPLAINT, "jane@example.com", reply="\ufffe")
    ]


def _delivered(entry: Entry) -> dict[str, Any]:
    return {
        "messageId": "m-1",
        "body": entry["MessageBody"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in entry["MessageAttributes"].items()
        },
    }


def test_waits_are_set_as_botocore_wants_them(client: "SQSClient", stubber: Stubber) -> None:
    stubber.add_response(
        "change_message_visibility_batch",
        {"Successful": [{"Id": "0"}], "Failed": []},
        {
            "QueueUrl": URL,
            "Entries": [{"Id": "0", "ReceiptHandle": "handle", "VisibilityTimeout": 30}],
        },
    )

    SqsRedelivery(lambda: client, URL).postpone([("handle", 30)], before=NEVER)


@pytest.mark.parametrize(
    ("messages", "sizes"), [(1, [1]), (10, [10]), (11, [1, 10]), (205, [5] + [10] * 20)]
)
def test_ten_waits_go_in_a_request(
    make_redelivery: MakeRedelivery, messages: int, sizes: list[int]
) -> None:
    sqs = FakeSqs()
    waits = [(f"handle-{number}", 30 + number) for number in range(messages)]

    make_redelivery(sqs).postpone(waits, before=NEVER)

    assert sorted(sqs.sizes) == sizes
    assert sorted(
        (entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in sqs.sent
    ) == sorted(waits)
    assert all(
        [entry["Id"] for entry in entries] == [str(number) for number in range(len(entries))]
        for entries in sqs.requests
    )


@pytest.mark.parametrize("error", [refusal("ReceiptHandleIsInvalid"), UNREACHABLE])
def test_wait_that_cannot_be_set_harms_nothing(
    make_redelivery: MakeRedelivery, error: Exception
) -> None:
    """The message comes back after the queue's own visibility timeout."""
    sqs = FakeSqs(failures=[error, error])

    make_redelivery(sqs).postpone([("handle", 30)], before=NEVER)

    assert sqs.sent == []


def test_wait_is_set_once_more_after_a_connection_died(make_redelivery: MakeRedelivery) -> None:
    """What was idle while the sandbox was frozen fails once; 420 s instead of 30 s would follow."""
    sqs = FakeSqs(failures=[UNREACHABLE])

    make_redelivery(sqs).postpone([("handle", 30)], before=NEVER)

    assert len(sqs.requests) == 2
    assert len(sqs.sent) == 1


def test_nobody_sleeps_without_time_for_another_try(
    make_dead_letters: MakeDeadLetters, clock: FakeClock
) -> None:
    """A thousand batches that sleep first and look at the clock later outlive the invocation."""
    letters = [DeadLetter(b"x", ErrorCode.MALFORMED_EVENT)] * 100

    failed = make_dead_letters(FakeSqs()).put(letters, before=clock.now)

    assert set(failed.values()) == {"NoTimeLeft"}
    assert clock.sleeps == []


@pytest.mark.parametrize(("seconds", "requests"), [(CALL_SECONDS, 1), (CALL_SECONDS - 0.125, 0)])
def test_wait_is_set_only_if_there_is_time(
    make_redelivery: MakeRedelivery, clock: FakeClock, seconds: float, requests: int
) -> None:
    """Answering SQS matters more: without the answer every message would come back."""
    sqs = FakeSqs()

    make_redelivery(sqs).postpone([("handle", 30)], before=clock.now + seconds)

    assert len(sqs.requests) == requests


def test_waits_are_set_side_by_side(make_redelivery: MakeRedelivery) -> None:
    """After an outage thousands come back, and a quarter of the time is left."""
    sqs, together = FakeSqs(), threading.Barrier(CONCURRENCY, timeout=10)
    change = sqs.change_message_visibility_batch

    def meet(**request: Any) -> None:  # noqa: ANN401 - passed on
        together.wait()
        change(**request)

    sqs.change_message_visibility_batch = meet  # type: ignore[method-assign]

    make_redelivery(sqs).postpone([("handle", 30)] * 10 * CONCURRENCY, before=NEVER)

    assert len(sqs.sent) == 10 * CONCURRENCY
