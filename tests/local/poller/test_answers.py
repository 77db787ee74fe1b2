"""The table in https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html ."""

import json

import pytest

from local.poller.answers import failed_ids

BATCH = ("m-1", "m-2", "m-3")


def answer(*identifiers: object) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": i} for i in identifiers]}).encode()


@pytest.mark.parametrize(
    "payload",
    [b'{"batchItemFailures": []}', b'{"batchItemFailures": null}', b"null", b"{}", b""],
)
def test_answer_without_failures_is_success(payload: bytes) -> None:
    assert failed_ids(payload, BATCH) == frozenset()


@pytest.mark.parametrize("ids", [("m-2",), ("m-1", "m-3"), ("m-2", "m-2"), BATCH])
def test_reported_messages_fail_and_no_others(ids: tuple[str, ...]) -> None:
    assert failed_ids(answer(*ids), BATCH) == set(ids)


@pytest.mark.parametrize(
    "payload",
    [
        answer(None),
        answer(""),
        answer("m-9"),
        answer("m-1", "m-9"),
        answer("m-1", None),
        answer(1),
        b'{"batchItemFailures": [{"messageId": "m-1"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "m-1"}, {}]}',
        b'{"batchItemFailures": ["m-1"]}',
        b'{"batchItemFailures": "m-1"}',
        b'{"batchItemFailures": {"itemIdentifier": "m-1"}}',
        b'{"batchItemFailures": false}',
        b'{"batchitemfailures": []}',
        b'{"statusCode": 200}',
        b'"m-1"',
        b'""',
        b"[]",
        b'[{"itemIdentifier": "m-1"}]',
        b"true",
        b"0",
        b"not json",
        b'{"batchItemFailures": [',
        b"\xff",
    ],
)
def test_any_other_answer_fails_the_whole_batch(payload: bytes) -> None:
    assert failed_ids(payload, BATCH) == set(BATCH)
