"""Every form of the callback that Tencent documents, and everything else that may come."""

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.blocklist.adapters.callback import parse_callback, parse_message
from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from tests.payloads import json_payload, payload

JANE = "jane.doe@example.com"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HOLDS_NOTHING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\])?\s*")

#: What every sample of today says besides event, label and reply.
CURRENT = {
    "bulk_id": "qcloudses-30-251200670-date-20251027170807-8jolHvR2XcXC1",
    "app_id": "251200670",
    "from_domain": "mail.example.org",
    "occurred_at": 1761555490.0,
    "sender": "news@mail.example.org",
    "template_id": "22023",
    "message_id": "<20251027085807.1234@mail.example.org>",
}
#: And in 2021.
OLD = CURRENT | {
    "bulk_id": "qcloud-ses-4F001945B2D9BE90362",
    "occurred_at": 1612684800.0,
    "message_id": "",
}
#: As long as Tencent lets it be.
CUT_REPLY = (
    "550 5.1.1 The email account that you tried to reach does not exist. Please try\n"
    "5.1.1 double-checking the recipient's email addre"
)
NOT_EXIST = "551 5.1.1 recipient is not exist"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)
#: Objects that look much like callbacks.
objects = st.dictionaries(
    st.sampled_from(
        [
            "event",
            "email",
            "Email",
            "bounceType",
            "BOUNCETYPE",
            "bulkId",
            "bulkid",
            "username",
            "fromDomain",
            "fromdomain",
            "timestamp",
            "reason",
            "X-Tencentcloudses-Cb-Custom",
        ]
    ),
    st.sampled_from(["bounce", "Bounce", "spamreport", "hard", "soft_bounce", "", JANE])
    | json_values,
)
bodies = (
    st.binary()
    | st.builds(lambda value: json.dumps(value).encode(), json_values | objects)
    | st.lists(objects | json_values).map(lambda value: json.dumps(value, indent=1).encode())
)


#: One or two fields that are not as in the documented callback.
odd_fields = st.dictionaries(
    st.sampled_from(
        [
            *("event", "email", "username", "UserName", "fromDomain", "fromdomain"),
            *("bounceType", "BounceType", "bulkId", "bulkid", "timestamp"),
        ]
    ),
    st.sampled_from(["hard", "HARD", "spamreport", "delivered", "Bounce", " ", "", None, 7, 0, -7])
    | st.floats(allow_nan=False, allow_infinity=False),
    max_size=2,
)


def make_body(**fields: object) -> bytes:
    return json.dumps({"event": "bounce", "email": JANE} | fields).encode()


def only_event(body: bytes) -> DeliveryEvent:
    [event] = parse_message(body)
    assert isinstance(event, DeliveryEvent)
    return event


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("file", "kind", "reply", "rest"),
    [
        ("bounce_hard", EventKind.HARD_BOUNCE, CUT_REPLY, CURRENT),
        (
            "bounce_soft",
            EventKind.SOFT_BOUNCE,
            "452 4.2.2 The email account that you tried to reach is over quota",
            CURRENT,
        ),
        ("bounce_hard_2021", EventKind.HARD_BOUNCE, NOT_EXIST, OLD),
        (
            "bounce_soft_2021",
            EventKind.SOFT_BOUNCE,
            "552 1 Requested mail action aborted, mailbox full",
            OLD,
        ),
        ("bounce_bulkid_as_in_table", EventKind.HARD_BOUNCE, CUT_REPLY, CURRENT),
        (
            "bounce_mixed_case",
            EventKind.HARD_BOUNCE,
            NOT_EXIST,
            CURRENT | {"from_domain": "Mail.Example.ORG", "template_id": "", "message_id": ""},
        ),
        ("bounce_without_label", EventKind.UNCLEAR_BOUNCE, CUT_REPLY, CURRENT),
        ("bounce_mime_subject", EventKind.HARD_BOUNCE, "550 邮箱不存在", CURRENT),
        ("bounce_byte_order_mark", EventKind.HARD_BOUNCE, CUT_REPLY, CURRENT),
        ("delivered", EventKind.DELIVERED, "", CURRENT),
        ("dropped", EventKind.DROPPED, "recipient address in blocklist", CURRENT),
        ("open", EventKind.OPENED, "", CURRENT),
        ("click", EventKind.CLICKED, "", CURRENT),
        ("spamreport", EventKind.COMPLAINT, "", CURRENT),
        ("unsubscribe", EventKind.UNSUBSCRIBE, "", CURRENT),
        (
            "deferred",
            EventKind.DEFERRED,
            "451 4.7.1 Greylisting in action, please come back later",
            CURRENT,
        ),
        ("processed", EventKind.PROCESSED, "", CURRENT),
        ("unknown_event", EventKind.UNKNOWN, CUT_REPLY, CURRENT),
    ],
)
def test_every_documented_form_is_understood(
    file: str, kind: EventKind, reply: str, rest: dict[str, Any]
) -> None:
    body = payload(f"callbacks/{file}.json")

    [event] = parse_message(body)

    assert event == DeliveryEvent(kind, JANE, reply=reply, **rest)


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        ("bounce_hard", "bounce", EventKind.UNCLEAR_BOUNCE),
        ("bounce_soft_2021", "bounce", EventKind.UNCLEAR_BOUNCE),
        ("bounce_mixed_case", "bounce", EventKind.UNCLEAR_BOUNCE),
        ("delivered", "delivered", EventKind.DELIVERED),
        ("open", "open", EventKind.OPENED),
        ("click", "click", EventKind.CLICKED),
        ("spamreport", "spamreport", EventKind.COMPLAINT),
        ("unsubscribe", "unsubscribe", EventKind.UNSUBSCRIBE),
        ("dropped", "dropped", EventKind.DROPPED),
        ("deferred", "deferred", EventKind.DEFERRED),
        ("processed", "processed", EventKind.PROCESSED),
        ("unknown_event", "unknown", EventKind.UNKNOWN),
    ],
)
def test_door_counts_events_by_tencents_name_and_keeps_their_bytes(
    file: str, name: str, kind: EventKind
) -> None:
    """A name nobody documents is counted as unknown: metrics must not grow at a sender's will."""
    body = payload(f"callbacks/{file}.json")

    [reported] = parse_callback(body)

    assert (reported.name, reported.kind) == (name, kind)
    assert reported.raw == body


def test_byte_order_mark_is_not_part_of_an_event() -> None:
    """Left in front, it would make the queue message something that is not JSON."""
    body = payload("callbacks/bounce_byte_order_mark.json")

    [reported] = parse_callback(body)

    assert BYTE_ORDER_MARK + reported.raw == body


def test_array_is_taken_apart() -> None:
    body = payload("callbacks/array.json")

    reported = parse_callback(body)

    assert [event.name for event in reported] == ["bounce", "delivered", "spamreport"]
    assert [json.loads(event.raw) for event in reported] == json_payload("callbacks/array.json")
    assert all(event.raw in body for event in reported)


def test_message_may_be_an_array() -> None:
    """An operator may put several on the queue at once."""
    events = parse_message(payload("callbacks/array.json"))

    assert [
        (event.kind, event.recipient) for event in events if isinstance(event, DeliveryEvent)
    ] == [
        (EventKind.HARD_BOUNCE, "first@example.com"),
        (EventKind.DELIVERED, "second@example.com"),
        (EventKind.COMPLAINT, "third@example.com"),
    ]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("hard_bounce", EventKind.HARD_BOUNCE),
        ("hard", EventKind.HARD_BOUNCE),
        ("HARD_BOUNCE", EventKind.HARD_BOUNCE),
        (" Hard ", EventKind.HARD_BOUNCE),
        ("soft_bounce", EventKind.SOFT_BOUNCE),
        ("soft", EventKind.SOFT_BOUNCE),
        ("Soft_Bounce", EventKind.SOFT_BOUNCE),
        ("", EventKind.UNCLEAR_BOUNCE),
        ("hard-bounce", EventKind.UNCLEAR_BOUNCE),
        ("hardbounce", EventKind.UNCLEAR_BOUNCE),
        ("bounce", EventKind.UNCLEAR_BOUNCE),
        (None, EventKind.UNCLEAR_BOUNCE),
        (True, EventKind.UNCLEAR_BOUNCE),
        (1, EventKind.UNCLEAR_BOUNCE),
        (["hard"], EventKind.UNCLEAR_BOUNCE),
        ({"hard": "hard"}, EventKind.UNCLEAR_BOUNCE),
    ],
)
def test_bounce_is_hard_only_with_a_clear_label(label: object, kind: EventKind) -> None:
    assert only_event(make_body(bounceType=label)).kind is kind


@pytest.mark.parametrize("name", ["bounce", "BOUNCE", " Bounce\n"])
def test_letter_case_and_blanks_around_an_events_name_do_not_matter(name: str) -> None:
    body = make_body(event=name, bounceType="hard")

    assert only_event(body).kind is EventKind.HARD_BOUNCE
    assert [event.name for event in parse_callback(body)] == ["bounce"]


@pytest.mark.parametrize("name", ["hard_bounce", "bounced", "complaint", "spam report", "喧"])
def test_name_that_tencent_does_not_document_is_unknown(name: str) -> None:
    body = make_body(event=name, bounceType="hard")

    assert only_event(body).kind is EventKind.UNKNOWN
    assert [event.name for event in parse_callback(body)] == ["unknown"]


@pytest.mark.parametrize(
    ("field", "spelling", "value", "attribute"),
    [
        ("bounceType", "BounceType", "hard", "kind"),
        ("bounceType", "bouncetype", "hard", "kind"),
        ("username", "userName", "251200670", "app_id"),
        ("username", "USERNAME", "251200670", "app_id"),
        ("fromDomain", "fromdomain", "example.org", "from_domain"),
        ("fromDomain", "FromDomain", "example.org", "from_domain"),
        ("reason", "Reason", "550 no such user", "reply"),
        ("from", "From", "shop@example.org", "sender"),
        ("templateId", "TemplateID", 42, "template_id"),
        ("templateId", "templateid", "42", "template_id"),
    ],
)
@pytest.mark.parametrize("event", ["bounce", "spamreport"])
def test_each_field_that_decides_is_taken_in_any_letter_case(
    event: str, field: str, spelling: str, value: object, attribute: str
) -> None:
    """
    One field may be spelled in another way than the rest, as `bulkid` already is.

    A reply that is overlooked would be none at all, and block a living address for a month.
    """
    fields: dict[str, object] = {
        "bounceType": "hard",
        "username": "1",
        "fromDomain": "a.b",
        "reason": "550",
        "from": "a@a.b",
        "templateId": 0,
    }
    fields[field] = value
    expected = only_event(make_body(event=event, **fields))
    del fields[field]

    spelled = only_event(make_body(event=event, **fields, **{spelling: value}))

    assert getattr(spelled, attribute) == getattr(expected, attribute)


@pytest.mark.parametrize(
    "fields",
    [
        {"bounceType": "", "BounceType": "hard"},
        {"BounceType": "hard", "bounceType": ""},
        {"bounceType": "soft", "BounceType": "hard"},
        {"BOUNCETYPE": "hard", "bounceType": "soft"},
    ],
)
def test_documented_spelling_wins_over_any_other(fields: dict[str, str]) -> None:
    """Doubt never blocks, and the order of two fields is no reason to."""
    assert only_event(make_body(**fields)).kind is not EventKind.HARD_BOUNCE


@pytest.mark.parametrize("order", [1, -1])
def test_documented_email_wins_over_any_other(order: int) -> None:
    emails = dict([("email", JANE), ("Email", "other@example.com")][::order])

    event = only_event(json.dumps({"event": "bounce", "BounceType": "hard"} | emails).encode())

    assert event.recipient == JANE


def test_last_of_equal_names_wins() -> None:
    """As in every JSON reader that an operator would check it with."""
    body = b'{"event":"bounce","bounceType":"hard","email":"a@example.com","email":"b@example.com"}'

    assert only_event(body).recipient == "b@example.com"


@pytest.mark.parametrize("spelling", ["bulkId", "bulkid", "BulkID", "BULKID"])
def test_bulk_id_is_taken_in_every_spelling(spelling: str) -> None:
    assert only_event(make_body(**{spelling: "qcloudses-30"})).bulk_id == "qcloudses-30"


@pytest.mark.parametrize("nothing", ["", None, [], {"a": "b"}])
def test_one_spelling_that_says_nothing_does_not_hide_the_other(nothing: object) -> None:
    assert only_event(make_body(bulkId=nothing, bulkid="qcloudses-30")).bulk_id == "qcloudses-30"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("251200670", "251200670"),
        (251200670, "251200670"),
        (None, ""),
        ("", ""),
        ([], ""),
        (["x"], ""),
        ({"x": "y"}, ""),
        (1.5, ""),
    ],
)
@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("username", "app_id"),
        ("fromDomain", "from_domain"),
        ("bulkId", "bulk_id"),
        ("reason", "reply"),
        ("from", "sender"),
        ("templateId", "template_id"),
        ("messageId", "message_id"),
    ],
)
def test_optional_field_may_hold_anything(
    field: str, attribute: str, value: object, text: str
) -> None:
    """Only text and whole numbers say something; the rest is as good as not there."""
    event = only_event(make_body(bounceType="hard", **{field: value}))

    assert event.kind is EventKind.HARD_BOUNCE
    assert getattr(event, attribute) == text


@pytest.mark.parametrize(
    ("timestamp", "occurred_at"),
    [
        ("1761555490", 1761555490.0),
        ("1761555490.5", 1761555490.5),
        ("0", None),
        ("-5", None),
        ("null", None),
        ("true", None),
        ('"1761555490"', None),
        ("[1]", None),
        ("{}", None),
        ("253402300799", 253402300799.0),
        ("253402300800", None),
        ("9" * 400, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_timestamp_that_is_no_time_says_nothing(timestamp: str, occurred_at: float | None) -> None:
    """A number larger than any float once stopped the whole batch it came in."""
    body = make_body(bounceType="hard", timestamp=0).replace(b": 0}", f": {timestamp}}}".encode())

    event = only_event(body)

    assert (event.kind, event.occurred_at) == (EventKind.HARD_BOUNCE, occurred_at)


MALFORMED = [
    b"null",
    b"true",
    b"7",
    b'"bounce"',
    b"{}",
    b"{",
    b"<html>",
    b"event=bounce&email=jane@example.com",
    b'{"event": "bounce"}',
    b'{"email": "jane@example.com"}',
    make_body(event=""),
    make_body(event="  "),
    make_body(event=None),
    make_body(event=["bounce"]),
    make_body(email=""),
    make_body(email=" \t"),
    make_body(email=None),
    make_body(email=["jane@example.com"]),
    make_body() + b"x",
    make_body() + make_body(),
    make_body()[:-1] + b",}",
    make_body().replace(b"jane", b"ja\xffne"),
    make_body().replace(b"jane", b"ja\x00ne"),
    b'{"event": "bounce", "email": "jane@example.com", "timestamp": 1e400}',
    json.dumps({"event": "bounce", "email": JANE}).encode("utf-16"),
    b"\x1f\x8b\x08\x00",
    nested(100_000),
    b"[" * 100_000,
    b'{"event": "bounce", "email": "jane@example.com", "x": ' + nested(100_000) + b"}",
    b'{"event": "bounce", "email": "jane@example.com", "bounceType": ' + nested(100_000) + b"}",
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:50]))
@pytest.mark.parametrize("prefix", [b"", BYTE_ORDER_MARK], ids=["plain", "BOM"])
def test_what_is_no_callback_is_one_malformed_event(prefix: bytes, body: bytes) -> None:
    """It is kept byte for byte: whoever finds out what sent it needs what was sent."""
    [reported] = parse_callback(prefix + body)

    assert (reported.name, reported.kind) == ("malformed", None)
    assert reported.raw == prefix + body
    assert list(parse_message(prefix + body)) == [ErrorCode.MALFORMED_EVENT]


@pytest.mark.parametrize(
    ("escaped", "reply"),
    [
        (rb"Mailbox full \ud83d", "Mailbox full \ufffd"),
        (rb"\uDC4B Mailbox full", "\ufffd Mailbox full"),
        (rb"\ud83d\ud83d\udc4b \\ud83d \\\ud83d", "\ufffd\U0001f44b \\ud83d \\\ufffd"),
    ],
)
@pytest.mark.parametrize("form", [b"%b", b"[%b, %b]"], ids=["alone", "array"])
def test_reply_cut_inside_a_character_is_still_a_bounce(
    form: bytes, escaped: bytes, reply: str
) -> None:
    """Tencent hands on 128 characters, and some count an emoji as two of them."""
    body = form.replace(b"%b", make_body(reason="REPLY").replace(b"REPLY", escaped))

    reported, events = parse_callback(body), parse_message(body)

    assert {event.kind for event in reported} == {EventKind.UNCLEAR_BOUNCE}
    assert {event.reply for event in events if isinstance(event, DeliveryEvent)} == {reply}
    assert ErrorCode.MALFORMED_EVENT not in events


def test_bad_bytes_anywhere_make_a_callback_malformed() -> None:
    """They cannot go on the queue, which carries text."""
    body = payload("callbacks/bounce_hard.json").replace(b"550 5.1.1", b"550 \xff")

    [reported] = parse_callback(body)

    assert (reported.raw, reported.kind) == (body, None)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"[]", b" [ ] ", BYTE_ORDER_MARK])
def test_probe_holds_no_event(body: bytes) -> None:
    assert not parse_callback(body)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"[]", b" [ ] ", BYTE_ORDER_MARK])
def test_message_without_any_event_is_malformed(body: bytes) -> None:
    """Ignoring it would lose what somebody put on the queue on purpose."""
    assert list(parse_message(body)) == [ErrorCode.MALFORMED_EVENT]


@pytest.mark.parametrize("body", [b"[1, null, {}]", b'["bounce"]', b"[[]]", b"[[" + make_body()])
def test_array_without_a_single_event_is_one_malformed_event(body: bytes) -> None:
    [reported] = parse_callback(body)

    assert (reported.raw, reported.kind) == (body, None)


def test_malformed_element_leaves_its_neighbours_alone() -> None:
    body = b'[1, %b, {"event": "bounce"}]' % make_body(bounceType="hard")

    reported = parse_callback(body)
    events = parse_message(body)

    assert [event.name for event in reported] == ["malformed", "bounce", "malformed"]
    assert [event.raw for event in reported][::2] == [b"1", b'{"event": "bounce"}']
    assert [isinstance(event, DeliveryEvent) for event in events] == [False, True, False]


@pytest.mark.parametrize(("junk", "letters"), [(10, 10), (11, 1)])
def test_array_with_much_junk_is_one_dead_letter_beside_its_events(junk: int, letters: int) -> None:
    """A mebibyte of them would outlast the caller, and be asked for again without end."""
    body = b"[%b%b]" % (make_body(), b",1" * junk)

    reported = parse_callback(body)

    assert [event.name for event in reported] == ["bounce", *["malformed"] * letters]
    assert reported[-1].raw == (b"1" if letters > 1 else body)


def test_reported_event_does_not_show_its_bytes() -> None:
    """A `repr` ends in logs and in exceptions' texts."""
    assert "jane" not in repr(parse_callback(make_body()))
    assert "jane" not in repr(parse_message(make_body()))


@given(bodies)
@example(b"[" * 2_000_000)
@example(b'{"a":' * 200_000)
@example(b'{"event":"bounce","email":"a@b.co","timestamp":' + b"9" * 4300 + b"}")
@example(b'{"event":"bounce","email":"a@b.co","username":' + b"9" * 4301 + b"}")
@example(b'{"event":"bounce","email":"a@b.co","bulkId":' + nested(970) + b"}")
@example(b'{"event":"bounce","email":"a@b.co","\xed\xa0\x80":1}')
def test_no_body_is_too_strange(body: bytes) -> None:
    """One that raised would come back 300 times, each time with the batch it is in."""
    reported = parse_callback(body)
    events = parse_message(body)

    assert events
    assert reported or HOLDS_NOTHING.fullmatch(body)


@pytest.mark.parametrize("field", ["bounceType", "bulkId", "username", "fromDomain", "timestamp"])
def test_no_depth_of_nesting_is_too_strange(field: str) -> None:
    """What the decoder just takes must not be too much for what comes after it."""
    for depth in range(400, 1100, 7):
        parse_message(make_body(**{field: 0}).replace(b": 0}", b": " + nested(depth) + b"}"))


@given(bodies)
def test_what_is_kept_is_what_came(body: bytes) -> None:
    """Byte for byte: nothing is decoded and written anew."""
    reported = parse_callback(body)

    assert all(event.raw in body for event in reported)
    good = [event.raw for event in reported if event.kind]
    if reported and reported[-1].raw == body:
        assert [event.raw for event in reported] == ([*good, body] if body not in good else good)
        assert all(json.loads(raw) in _listed(json.loads(body)) for raw in good)
    else:
        listed = _listed(json.loads(body)) if reported else []
        assert [json.loads(event.raw) for event in reported] == listed


@given(bodies)
def test_door_and_consumer_understand_alike(body: bytes) -> None:
    """What the door keeps as an event must not be malformed to the consumer."""
    for reported in parse_callback(body):
        [event] = parse_message(reported.raw) if reported.kind else [ErrorCode.MALFORMED_EVENT]

        assert isinstance(event, DeliveryEvent) is (reported.kind is not None)


@pytest.mark.parametrize("event", ["bounce", "spamreport"])
@given(odd_fields, st.sets(st.sampled_from(["reason", "from", "templateId", "username"])))
@example({"bulkId": "", "bulkid": "qcloudses-31"}, set())
@example({"Reason": "550 no such user"}, {"reason"})
@settings(max_examples=300)
def test_event_is_the_same_alone_and_among_others(
    event: str, odd: dict[str, object], missing: set[str]
) -> None:
    """Alone it is decoded in a faster way, which must not understand it differently."""
    documented = json_payload("callbacks/documented.json") | {"event": event}
    for name in missing:
        del documented[name]
    body = json.dumps(documented | odd).encode()

    assert list(parse_message(body)) == list(parse_message(b"[%b]" % body))


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else [value]


OPERATOR_BLOCK = {"event": "operator_block", "email": JANE, "timestamp": 1761555490}


def by_operator(**fields: object) -> DeliveryEvent | ErrorCode:
    body = json.dumps(OPERATOR_BLOCK | fields).encode()
    [event] = parse_message(body, from_operator=True)
    return event


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({}, {}),
        ({"until": None}, {}),
        ({"until": "2027-01-31"}, {"until": date(2027, 1, 31)}),
        (
            {"reason": "asked by phone", "by": "ops", "note": "ticket 7"},
            {"note": "asked by phone; ops; ticket 7"},
        ),
        ({"by": "ops"}, {"note": "ops"}),
        ({"timestamp": 1761555490.5}, {"occurred_at": 1761555490.5}),
        ({"timestamp": 0}, {"occurred_at": None}),
        ({"timestamp": 1e300}, {"occurred_at": None}),
    ],
)
def test_operator_may_ask_for_a_block(fields: dict[str, object], rest: dict[str, Any]) -> None:
    expected = {"occurred_at": 1761555490.0} | rest

    assert by_operator(**fields) == DeliveryEvent(EventKind.OPERATOR_BLOCK, JANE, **expected)


@pytest.mark.parametrize(
    "fields",
    [
        {"untill": "2027-01-31"},
        {"Until": "2027-01-31"},
        {"until": "31.1.2027"},
        {"until": "2027-02-30"},
        {"until": 20270131},
        {"until": ""},
        {"timestamp": "1761555490"},
        {"timestamp": None},
        {"timestamp": True},
        {"reason": 7},
        {"by": None},
        {"bounceType": "hard"},
        {"email": ""},
        {"email": None},
    ],
)
def test_what_an_operator_asks_for_is_taken_exactly_or_not_at_all(
    fields: dict[str, object],
) -> None:
    """A mistyped `until` that was skipped would block for good."""
    assert by_operator(**fields) is ErrorCode.MALFORMED_EVENT


def test_operators_block_needs_a_time() -> None:
    """It is set against unblocks, and what has no time cannot be before or after one."""
    body = json.dumps({"event": "operator_block", "email": JANE}).encode()

    assert list(parse_message(body, from_operator=True)) == [ErrorCode.MALFORMED_EVENT]


def test_nobody_but_an_operator_asks_for_a_block() -> None:
    """Whoever learns the callback's address would block anybody past the checks and the brake."""
    body = json.dumps(OPERATOR_BLOCK).encode()

    assert only_event(body).kind is EventKind.UNKNOWN
    assert [(event.name, event.kind) for event in parse_callback(body)] == [
        ("unknown", EventKind.UNKNOWN)
    ]


@pytest.mark.parametrize("name", ["OPERATOR_BLOCK", " operator_block", "operator-block"])
def test_operators_name_is_exact(name: str) -> None:
    event = by_operator(event=name)

    assert isinstance(event, DeliveryEvent)
    assert event.kind is EventKind.UNKNOWN


def test_operator_may_put_callbacks_on_the_queue_too() -> None:
    """For example, those that an outage kept from arriving."""
    [event] = parse_message(make_body(bounceType="hard"), from_operator=True)

    assert isinstance(event, DeliveryEvent)
    assert event.kind is EventKind.HARD_BOUNCE


def test_operator_may_ask_for_several_at_once() -> None:
    body = json.dumps([OPERATOR_BLOCK, OPERATOR_BLOCK | {"until": "soon"}]).encode()

    first, second = parse_message(body, from_operator=True)

    assert isinstance(first, DeliveryEvent)
    assert first.kind is EventKind.OPERATOR_BLOCK
    assert second is ErrorCode.MALFORMED_EVENT
