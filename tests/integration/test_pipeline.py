"""From HTTP to the blocklist: the compiled template, the packaged functions, their own roles."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.demo.callbacks import DOCUMENTED_CALLBACK, DOCUMENTED_RECIPIENT
from local.pipeline import PREVIOUS_TOKEN, TOKEN
from local.tencent import faults
from local.tencent.faults import Fault
from tests.integration.conftest import Sender
from tests.local.waiting import wait_until

pytestmark = pytest.mark.integration

Bounce = Callable[..., dict[str, object]]
EVENTS = Path(__file__).parent.parent / "events"


def test_documented_callback_ends_on_the_blocklist(sender: Sender) -> None:
    """The one thing that all of this is for."""
    response = sender.request(body=DOCUMENTED_CALLBACK)

    assert response.status_code == 200
    sender.wait_until_blocked(DOCUMENTED_RECIPIENT)
    assert sender.double.blocked[DOCUMENTED_RECIPIENT].expires_on is None


@pytest.mark.parametrize("door", sorted((EVENTS / "doors").iterdir()), ids=lambda path: path.stem)
def test_every_door_takes_callbacks(sender: Sender, door: Path) -> None:
    """One callback for each door, with a recipient of its own."""
    event = json.loads(door.read_text())
    recipient = f"{door.stem}@example.com"
    path = f"/callbacks/{TOKEN}"
    event |= {"rawPath": path} if "rawPath" in event else {"path": path}
    event |= {"body": json.dumps({"event": "spamreport", "email": recipient})}
    event |= {"isBase64Encoded": False}

    answer = sender.invoke("ReceiveCallbackFunction", event)

    assert answer["statusCode"] == 200
    sender.wait_until_blocked(recipient)


def test_only_those_who_must_be_blocked_are(sender: Sender, bounce: Bounce) -> None:
    before = set(sender.double.blocked)

    sender.post(
        bounce("hard@example.com"),
        bounce("old-form@example.com", bounceType="hard"),
        {"event": "spamreport", "email": "complaint@example.com"},
        bounce("soft@example.com", bounceType="soft_bounce"),
        bounce("unclear@example.com", bounceType=""),
        {"event": "unsubscribe", "email": "unsubscribe@example.com"},
        {"event": "dropped", "email": "dropped@example.com"},
        {"event": "delivered", "email": "delivered@example.com"},
    )

    sender.wait_until_blocked("hard@example.com", "old-form@example.com", "complaint@example.com")
    sender.wait_until_quiet()
    assert set(sender.double.blocked) - before == {
        "hard@example.com",
        "old-form@example.com",
        "complaint@example.com",
    }


def test_equal_recipients_become_one(sender: Sender, bounce: Bounce) -> None:
    sender.post(bounce("Twice@EXAMPLE.com "), bounce("Twice@example.com"))

    sender.wait_until_blocked("Twice@example.com")
    sender.wait_until_quiet()
    asked = [email for request in sender.double.requests for email in request.emails]
    assert asked.count("Twice@example.com") == 1
    assert "Twice@EXAMPLE.com " not in asked


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_strangers_find_nothing(sender: Sender, bounce: Bounce, method: str) -> None:
    body = json.dumps(bounce("forged@example.com"))

    response = sender.request(method, token="not-a-token-we-know", body=body)

    assert response.status_code == 404
    sender.wait_until_quiet()
    assert "forged@example.com" not in sender.double.blocked


def test_previous_token_still_opens(sender: Sender, bounce: Bounce) -> None:
    response = sender.request(token=PREVIOUS_TOKEN, body=json.dumps(bounce("rotation@example.com")))

    assert response.status_code == 200
    sender.wait_until_blocked("rotation@example.com")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_console_may_probe_the_address(sender: Sender, method: str) -> None:
    assert sender.request(method).status_code == 200


def test_body_over_one_mebibyte_is_too_large(sender: Sender) -> None:
    assert sender.request(body=b" " * (1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not JSON at all", "MalformedEvent"),
        (b"\xff\xfe not text", "MalformedEvent"),
        (
            b'{"event":"bounce","email":"x@example.com","n":"%s"}' % (b"x" * 61_440),
            "OversizedEvent",
        ),
    ],
)
def test_junk_is_kept_byte_for_byte(sender: Sender, body: bytes, code: str) -> None:
    assert sender.request(body=body).status_code == 200

    [letter] = [letter for letter in sender.dead_letters() if letter.original == body]
    assert letter.code == code


def test_unknown_event_becomes_a_dead_letter(sender: Sender) -> None:
    body = '{"event": "Bounced", "email": "unknown-event@example.com"}'

    sender.request(body=body)

    sender.wait_until_quiet()
    [letter] = [letter for letter in sender.dead_letters() if letter.body == body]
    assert letter.code == "UnknownEvent"
    assert letter.sentence.endswith("then redrive.")


def test_refused_address_is_found_and_its_neighbours_are_blocked(
    sender: Sender, bounce: Bounce
) -> None:
    sender.double.refused = frozenset({"refused-3@example.net"})
    neighbours = [f"refused-{index}@example.net" for index in range(8)]

    sender.post(*(bounce(recipient) for recipient in neighbours))

    sender.wait_until_blocked(*set(neighbours) - {"refused-3@example.net"})
    sender.wait_until_quiet()
    [letter] = [letter for letter in sender.dead_letters() if "refused-3@" in letter.body]
    assert letter.code == "RefusedAddress"
    assert letter.request_id


def test_message_may_hold_several_events(sender: Sender, bounce: Bounce) -> None:
    """An operator's array: its good addresses are blocked, whatever else is in it."""
    body = json.dumps([bounce("array-1@example.com"), {"junk": 1}, bounce("array-2@example.com")])

    sender.queue(body, Origin="operator")

    sender.wait_until_blocked("array-1@example.com", "array-2@example.com")
    sender.wait_until_quiet()
    [letter] = [letter for letter in sender.dead_letters() if letter.body == body]
    assert letter.code == "MalformedEvent"


def test_batch_makes_no_request_too_many(sender: Sender, bounce: Bounce) -> None:
    """200 addresses, some twice, are one request. More in an hour would be for the brake."""
    numbers = [*range(200), *range(50)]
    records = [
        {
            "messageId": f"m-{position}",
            "receiptHandle": f"handle-{position}",
            "body": json.dumps(bounce(f"full-{number}@example.com")),
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
        }
        for position, number in enumerate(numbers)
    ]
    before = len(sender.double.requests)

    answer = sender.invoke("BlockRecipientsFunction", {"Records": records})

    assert answer == {"batchItemFailures": []}
    requests = sender.double.requests[before:]
    assert [len(request.emails) for request in requests] == [200]


@pytest.mark.parametrize(
    "fault",
    [
        faults.error("RequestLimitExceeded"),
        faults.error("InternalError", content_type="application/json; charset=utf-8"),
        faults.error("AuthFailure.SecretIdNotFound"),
        faults.html(503),
        faults.RESET_AFTER_EFFECT,
        faults.CUT_MID_BODY,
        faults.drip_body(0.05),
        faults.hang(),
    ],
    ids=lambda fault: fault.name,
)
def test_faults_lose_nobody(sender: Sender, bounce: Bounce, fault: Fault) -> None:
    recipients = [f"{fault.name.lower()}-{index}@example.com" for index in range(5)]
    sender.double.misbehave(fault)

    sender.post(*(bounce(recipient) for recipient in recipients))

    sender.wait_until_blocked(*recipients)
    sender.wait_until_quiet()


def test_unplugging_tencent_loses_nobody(sender: Sender, bounce: Bounce) -> None:
    """Unplugged in the middle of three hundred events, and plugged in again."""
    first = [f"before-{index}@example.com" for index in range(150)]
    second = [f"during-{index}@example.com" for index in range(150)]
    sender.post(*(bounce(recipient) for recipient in first))
    sender.wait_until_blocked(first[0])

    sender.double.unplug()
    failed = sender.pipeline.poller.counts.failed_invoke
    sender.post(*(bounce(recipient) for recipient in second))
    wait_until(lambda: sender.pipeline.poller.counts.failed_invoke > failed)
    assert not set(second) & set(sender.double.blocked)
    sender.double.plug()

    sender.wait_until_blocked(*first, *second)
    sender.wait_until_quiet()


def test_limit_that_nobody_documents_is_found(sender: Sender, bounce: Bounce) -> None:
    """After the tests with many addresses: a sandbox remembers the limit for its life."""
    recipients = [f"limit-{index}@example.com" for index in range(20)]
    sender.double.max_emails_per_request = 6

    sender.post(*(bounce(recipient) for recipient in recipients))

    sender.wait_until_blocked(*recipients)


def test_rate_is_never_exceeded(sender: Sender, bounce: Bounce) -> None:
    """
    With more requests to make than a second has room for.

    Of two sandboxes, over all of it: within one second a busy machine may be late with some.
    """
    recipients = [f"rate-{index}@example.com" for index in range(40)]
    sender.double.max_emails_per_request = 1
    before = len(sender.double.requests)

    sender.post(*(bounce(recipient) for recipient in recipients))

    sender.wait_until_blocked(*recipients)
    starts = sorted(request.started_at for request in sender.double.requests[before:])
    assert len(starts) >= len(recipients)
    assert starts[-1] - starts[0] >= len(starts) / 10 - 1


def test_nothing_personal_is_in_the_logs(sender: Sender) -> None:
    """Over everything that the tests before this one made the functions write."""
    logs = sender.logs()

    assert '"message":"requests failed"' in logs
    assert not [word for word in ("@example", "@EXAMPLE", TOKEN, "/callbacks/") if word in logs]
