"""Every front door's event, and what a stranger may put into one."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.adapters.http import answer, parse_request
from functions.blocklist.services.receive_callback import Request
from tests.payloads import json_payload

TOKEN = b"current-token-0123456789"
DOORS = [
    "function_url_2_0",
    "http_api_2_0",
    "http_api_1_0",
    "load_balancer",
    "load_balancer_base64",
]

#: Lone surrogates included: JSON can hold them.
anything = st.text(st.characters(exclude_categories=()))


def make_event(**fields: object) -> dict[str, Any]:
    return {"httpMethod": "POST", "path": "/callbacks/x", "body": "", **fields}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_says_the_same(door: str) -> None:
    request = parse_request(json_payload(f"doors/{door}.json"))

    assert (request.method, request.token) == ("POST", TOKEN)
    assert json.loads(request.body) == json_payload("callbacks/bounce_hard.json")


@pytest.mark.parametrize("door", DOORS)
def test_request_without_a_body_has_an_empty_one(door: str) -> None:
    """As a probe of the console comes: the key is missing, null or empty, as the door likes."""
    event = json_payload(f"doors/{door}.json")

    bodies = [
        parse_request(event | {"body": ""}).body,
        parse_request(event | {"body": None}).body,
        parse_request({name: event[name] for name in event if name != "body"}).body,
    ]

    assert bodies == [b"", b"", b""]


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("/callbacks/secret", b"secret"),
        ("/callbacks/se%2Dcret", b"se-cret"),
        ("/callbacks/%C3%A9", "é".encode()),
        ("/callbacks/é", "é".encode()),
        ("/callbacks/%ff%00", b"\xff\x00"),
        ("/callbacks/%zz", b"%zz"),
        ("/callbacks/a%2Fb", b"a/b"),
        ("/callbacks/a+b", b"a+b"),
        ("/callbacks/\ud800", b"\xed\xa0\x80"),
        ("/callbacks/", None),
        ("/callbacks", None),
        ("/callbacks//secret", None),
        ("/callbacks/secret/", None),
        ("/callbacks/secret/more", None),
        ("/Callbacks/secret", None),
        ("/v1/callbacks/secret", None),
        ("//callbacks/secret", None),
        ("callbacks/secret", None),
        ("/", None),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("door", ["function_url_2_0", "load_balancer"])
def test_token_is_all_that_follows_the_callbacks_path(
    door: str, path: str, token: bytes | None
) -> None:
    event = json_payload(f"doors/{door}.json")
    event["rawPath" if "rawPath" in event else "path"] = path

    assert parse_request(event).token == token


@pytest.mark.parametrize(("method", "taken"), [("POST", "POST"), ("post", "POST"), ("Get", "GET")])
def test_method_is_in_upper_case(method: str, taken: str) -> None:
    assert parse_request(make_event(httpMethod=method)).method == taken


@pytest.mark.parametrize(
    ("body", "is_base64", "taken"),
    [
        ("{}", False, b"{}"),
        ("{}", None, b"{}"),
        ("é", False, "é".encode()),
        ("\ud800", False, b"\xed\xa0\x80"),
        ("e30=", True, b"{}"),
        ("e30=", False, b"e30="),
        (b64encode(b"\xef\xbb\xbf\xff\x00").decode(), True, b"\xef\xbb\xbf\xff\x00"),
        ("{}", True, b"{}"),
        ("e30", True, b"e30"),
        ("e3 0=", True, b"e3 0="),
        ("é30=", True, "é30=".encode()),
    ],
    ids=ascii,
)
def test_body_is_the_bytes_that_were_posted(body: str, is_base64: object, taken: bytes) -> None:
    """What claims to be base64 and is not is junk, and junk is kept as it came."""
    assert parse_request(make_event(body=body, isBase64Encoded=is_base64)).body == taken


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"requestContext": None},
        {"requestContext": {"http": None}},
        {"requestContext": {"http": {"method": "POST"}}},
        {"rawPath": "/callbacks/x"},
        {"httpMethod": "POST"},
        {"httpMethod": "POST", "path": None},
        {"httpMethod": None, "path": "/callbacks/x"},
        {"httpMethod": ["POST"], "path": "/callbacks/x"},
        {"httpMethod": "POST", "path": 7},
    ],
)
def test_other_event_is_refused_without_repeating_any_of_it(event: dict[str, Any]) -> None:
    """Lambda logs the text of an exception, and a path holds the token."""
    with pytest.raises(ValueError, match="not an event of a function URL") as caught:
        parse_request(event | {"note": "current-token"})

    assert "token" not in str(caught.value)
    assert "/x" not in str(caught.value)


def test_request_shows_neither_token_nor_body() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    request = parse_request(json_payload("doors/http_api_2_0.json"))

    assert "current-token" not in repr(request)
    assert "jane" not in repr(request)


@given(anything, anything, st.booleans())
def test_no_request_is_too_strange(path: str, body: str, is_base64: bool) -> None:  # noqa: FBT001
    request = parse_request(
        make_event(path=f"/callbacks/{path}", body=body, isBase64Encoded=is_base64)
    )

    assert isinstance(request, Request)


@given(st.binary())
def test_bytes_in_base64_come_out_as_they_went_in(body: bytes) -> None:
    event = make_event(body=b64encode(body).decode(), isBase64Encoded=True)

    assert parse_request(event).body == body


def test_answer_has_the_form_that_every_door_takes() -> None:
    """A load balancer makes a 502 of anything else."""
    assert answer(503, {"kept": 1, "dead_letters": 0}) == {
        "statusCode": 503,
        "headers": {"content-type": "application/json"},
        "body": '{"kept": 1, "dead_letters": 0}',
        "isBase64Encoded": False,
    }
