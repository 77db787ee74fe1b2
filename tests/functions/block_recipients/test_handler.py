"""The consumer's Lambda: ids to deliver again, one line of metrics, and no address anywhere."""

import json
from typing import Any

import pytest

from functions.block_recipients.handler import lambda_handler
from functions.blocklist import bootstrap
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    UnavailableError,
)
from functions.blocklist.domain.terms import last_day
from tests.conftest import FakeContext, Written
from tests.fakes import (
    FakeBlocklist,
    FakeBrake,
    FakeDeadLetters,
    FakeLedger,
    FakePacer,
    FakeRedelivery,
)


class Consumer:
    """The handler with fakes behind it."""

    def __init__(self) -> None:
        self.blocklist = FakeBlocklist()
        self.dead_letters = FakeDeadLetters()
        self.redelivery = FakeRedelivery()

    def __call__(self, *bodies: str, operator: bool = False) -> Any:  # noqa: ANN401 - it is tested
        attributes = {"Origin": {"stringValue": "operator", "dataType": "String"}}
        records = [
            {
                "messageId": f"m-{position}",
                "receiptHandle": f"handle of m-{position}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": attributes if operator else {},
            }
            for position, body in enumerate(bodies)
        ]
        return lambda_handler({"Records": records}, FakeContext())


def bounce(recipient: str, **fields: object) -> str:
    callback = {
        "event": "bounce",
        "bounceType": "hard_bounce",
        "email": recipient,
        "reason": "550 5.1.1 user unknown",
    }
    return json.dumps(callback | fields)


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setenv("QUEUE_URL", "https://sqs.example.com/queue")
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.example.com/dead-letters")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "example-secret-key")
    consumer = Consumer()
    monkeypatch.setattr(bootstrap, "blocklist", lambda: consumer.blocklist)
    monkeypatch.setattr(bootstrap, "pacer", FakePacer)
    monkeypatch.setattr(bootstrap, "dead_letters", lambda _: consumer.dead_letters)
    monkeypatch.setattr(bootstrap, "redelivery", lambda: consumer.redelivery)
    return consumer


def test_recipients_are_blocked_and_nothing_comes_back(consumer: Consumer) -> None:
    answer = consumer(bounce("A@Example.COM"), bounce("A@example.com "))

    assert consumer.blocklist.requests == [("A@example.com",)]
    assert answer == {"batchItemFailures": []}


def test_failed_messages_are_named_for_another_delivery(consumer: Consumer) -> None:
    """Without this answer SQS deletes the whole batch, failures and all."""

    def script(_: object) -> None:
        raise UnavailableError("InternalError")

    consumer.blocklist.script = script

    answer = consumer(bounce("a@example.com"), '{"event":"open","email":"b@example.com"}')

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    [(handle, seconds)] = consumer.redelivery.waits
    assert handle == "handle of m-0"
    assert 30 <= seconds <= 38


def test_empty_batch_is_answered_too(consumer: Consumer) -> None:
    assert consumer() == {"batchItemFailures": []}


def test_sums_of_the_metrics_hold(consumer: Consumer, written: Written) -> None:
    consumer.blocklist.bad = frozenset({"refused@example.com"})
    consumer.blocklist.blocked = {"known@example.com"}

    consumer(
        bounce("new@example.com", timestamp=1),
        bounce("known@example.com"),
        bounce("refused@example.com"),
        bounce("ignored@example.com", bounceType="soft"),
        "junk",
    )

    line, *_ = written.metrics
    assert (line["_aws"]["CloudWatchMetrics"][0]["Namespace"], line["service"]) == (
        "SesBlocklist",
        "block_recipients",
    )
    values = {name: value[0] for name, value in line.items() if isinstance(value, list)}
    assert values.pop("EndToEndSeconds") > 1_000_000
    assert values == {
        "Received": 5,
        "Accepted": 2,
        "Ignored": 1,
        "Retried": 0,
        "DeadLettered": 2,
        "Sent": 3,
        "Added": 1,
        "Repeated": 1,
        "Refused": 1,
        "Uncounted": 0,
        "ApiRequests": 2,
        "RateLimited": 0,
        "ConfigurationErrors": 0,
        "MostReceives": 0,
    }


def test_decisions_are_counted_by_their_rule(consumer: Consumer, written: Written) -> None:
    """What is ignored is counted too: a rate limit that never ends shows here and nowhere else."""
    consumer(
        bounce("a@example.com"),
        bounce("b@example.com"),
        bounce("c@example.com", reason="550 Ip frequency limited"),
    )

    lines = [line for line in written.metrics if "Decisions" in line]
    assert {(line["Rule"], line["Decision"]): line["Decisions"] for line in lines} == {
        ("address gone", "block"): [2.0],
        ("about the sender", "ignore"): [1.0],
    }


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_smoke_test_is_counted_and_blocks_nobody(
    consumer: Consumer, written: Written, monkeypatch: pytest.MonkeyPatch, dry_run: str
) -> None:
    """It must tell of a stage that blocks as much as of one that does not, whoever it expects."""
    monkeypatch.setenv("DRY_RUN", dry_run)
    monkeypatch.setenv("EXPECTED_APP_IDS", "1250000000")

    answer = consumer(bounce("smoke@ses-blocklist.invalid"))

    assert answer == {"batchItemFailures": []}
    assert consumer.blocklist.requests == []
    assert consumer.dead_letters.kept == []
    line = written.metrics[0]
    assert (line["Smoke"], line["Ignored"]) == ([1.0], [1.0])


def test_without_a_smoke_test_its_metric_is_not_there(consumer: Consumer, written: Written) -> None:
    """CloudWatch charges a metric by the hours in which it says something."""
    consumer(bounce("a@example.com"))

    assert "Smoke" not in written.metrics[0]


def test_failing_ledger_is_counted_and_named(
    consumer: Consumer, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is blocked while it fails, and nothing else would tell."""
    ledger = FakeLedger(fail={"a@example.com": UnavailableError("dynamodb:ThrottlingException")})
    monkeypatch.setattr(bootstrap, "ledger", lambda _: (ledger, FakeBrake()))

    answer = consumer(bounce("a@example.com"), bounce("b@example.com"))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert consumer.blocklist.blocked == {"b@example.com"}
    assert written.metrics[0]["LedgerErrors"] == [1.0]
    [line] = written.logs
    assert line["message"] == "ledger failed, to retry"
    assert line["recipients"] == {"UnavailableError dynamodb:ThrottlingException": 1}


def test_dead_letters_are_counted_by_their_code(consumer: Consumer, written: Written) -> None:
    """Each code asks for something else of the operator; the alarms go by it."""
    consumer("junk", "more junk", bounce("no address"))

    letters = [line for line in written.metrics if "DeadLetters" in line]
    assert {line["ErrorCode"]: line["DeadLetters"] for line in letters} == {
        "MalformedEvent": [2.0],
        "InvalidAddress": [1.0],
    }
    assert {line["service"] for line in letters} == {"block_recipients"}


def test_receives_of_what_comes_back_are_told(consumer: Consumer, written: Written) -> None:
    """SQS leaves what was received three times out of its age; nothing else tells of it."""

    def script(_: object) -> None:
        raise UnavailableError("InternalError")

    consumer.blocklist.script = script

    consumer(bounce("a@example.com"))

    assert written.metrics[0]["MostReceives"] == [1.0]


@pytest.mark.parametrize(
    ("error", "metric"),
    [
        (RateLimitedError("RequestLimitExceeded"), "RateLimited"),
        (ConfigurationError("AuthFailure"), "ConfigurationErrors"),
    ],
)
def test_errors_that_people_must_hear_of_are_counted(
    consumer: Consumer, written: Written, error: BlocklistError, metric: str
) -> None:
    def script(_: object) -> None:
        raise error

    consumer.blocklist.script = script

    consumer(bounce("a@example.com"))

    assert written.metrics[0][metric] == [1.0]
    [line] = written.logs
    assert line["message"] == "requests failed"
    assert line["errors"] == {f"{type(error).__name__} {error.code}": 1}
    assert line["messages_to_retry"] == 1


def test_without_the_ledger_s_key_everything_comes_back(
    consumer: Consumer, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An operator who deploys before putting the key loses nothing, blocks nobody, and is told.

    What would only be noted comes back as well: the ledger does not have it.
    """

    def no_key(*_: object) -> str:
        raise ConfigurationError("ssm:ParameterNotFound")

    monkeypatch.setenv("LEDGER_TABLE", "ledger")
    monkeypatch.setenv("LEDGER_KEY_PARAMETER", "/ses-blocklist/dev/ledger-key")
    monkeypatch.setattr("functions.blocklist.adapters.ssm.read_secret", no_key)

    answer = consumer(bounce("a@example.com"), bounce("b@example.com", reason="mailbox full"))

    assert not consumer.blocklist.requests
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]}
    assert written.metrics[0]["ConfigurationErrors"] == [2.0]
    [line] = written.logs
    assert line["recipients"] == {"ConfigurationError ssm:ParameterNotFound": 2}


def test_ledger_hears_which_batch_it_was(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Lambda's own id, under which its log lines stand too."""
    batches: list[str] = []

    def no_ledger(batch_id: str) -> None:
        batches.append(batch_id)

    monkeypatch.setattr(bootstrap, "ledger", no_ledger)

    consumer(bounce("a@example.com"))

    assert batches == [FakeContext().aws_request_id]


def test_strikes_block_for_the_term_that_the_policy_says(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FakeLedger(), FakeBrake()
    monkeypatch.setattr(bootstrap, "ledger", lambda _: ledger)
    days = [4_000_000_000 + number * 86_400 for number in range(3)]

    consumer(
        *(
            bounce("a@example.com", reason="552 mailbox full", bulkId=str(day), timestamp=day)
            for day in days
        )
    )

    assert consumer.blocklist.terms == [last_day(days[-1], 7)]


def test_lines_do_not_grow_with_the_batch(consumer: Consumer, written: Written) -> None:
    def script(_: object) -> None:
        raise UnavailableError("InternalError")

    consumer.blocklist.script = script
    consumer.blocklist.max_recipients = 1

    consumer(*(bounce(f"{number}@example.com") for number in range(50)))

    assert len(written.lines) == 2


def test_each_dead_letter_has_its_line(consumer: Consumer, written: Written) -> None:
    consumer("junk", bounce("no address"))

    said = {(line["queue_message_id"], line["code"]) for line in written.logs}
    assert said == {("m-0", "MalformedEvent"), ("m-1", "InvalidAddress")}


def test_dead_letter_that_cannot_be_sent_has_its_reason_in_the_log(
    consumer: Consumer, written: Written
) -> None:
    consumer.dead_letters.fail = frozenset({0})

    answer = consumer("junk")

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    [line] = written.logs
    assert (line["message"], line["codes"]) == ("dead letters not sent, to retry", {"Down": 1})


def test_dry_run_sends_nothing(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRY_RUN", "true")

    answer = consumer(bounce("a@example.com"))

    assert answer == {"batchItemFailures": []}
    assert consumer.blocklist.requests == []


def test_unexpected_senders_block_nobody(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPECTED_APP_IDS", "251200670")

    consumer(bounce("a@example.com", username="7"), bounce("b@example.com", username="251200670"))

    assert consumer.blocklist.blocked == {"b@example.com"}
    assert [letter.code.value for letter in consumer.dead_letters.kept] == ["UnexpectedSender"]


def test_operator_is_no_unexpected_sender(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPECTED_APP_IDS", "251200670")

    consumer(bounce("a@example.com"), operator=True)

    assert consumer.blocklist.blocked == {"a@example.com"}


def test_without_a_policy_everything_waits_and_people_hear_of_it(
    consumer: Consumer, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody is blocked on a guess, and the receives last for three days instead of one and a half.

    What could never be decided comes back as well: nothing was looked at.
    """
    monkeypatch.setenv("POLICY_FILE", "mine.toml")

    answer = consumer(bounce("a@example.com"), "junk")

    assert not consumer.blocklist.requests
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]}
    assert [handle for handle, _ in consumer.redelivery.waits] == [
        "handle of m-0",
        "handle of m-1",
    ]
    assert all(30 <= seconds <= 38 for _, seconds in consumer.redelivery.waits)
    [metrics] = written.metrics
    assert metrics["ConfigurationErrors"] == [1.0]
    assert metrics["Received"] == metrics["Retried"] == [2.0]
    assert metrics["MostReceives"] == [1.0]
    problem, failed = written.logs
    assert problem["message"] == "policy cannot be used"
    assert "there is no policy 'mine.toml'" in problem["problem"]
    assert failed["errors"] == {"ConfigurationError PolicyCannotBeUsed": 1}
    assert failed["messages_to_retry"] == 2


def test_wrong_settings_fail_loudly_and_delete_nothing(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_EMAILS_PER_REQUEST", "many")

    with pytest.raises(ValueError, match="MAX_EMAILS_PER_REQUEST"):
        consumer(bounce("a@example.com"))
