"""
The callback's JSON, as Tencent documents it.

Source: "Email Event Notification", https://www.tencentcloud.com/document/product/1084/39492, and
its older forms. They contradict each other: the sample says `bulkId`, the table of fields `bulkid`;
`bounceType` is `hard_bounce` since 2023 and was `hard` before, and still is in some languages. So
every spelling is taken, in any letter case.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.services.ports import Reported

#: What Tencent calls an event.
KINDS = {
    # Tencent's name: ours
    "processed": EventKind.PROCESSED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "dropped": EventKind.DROPPED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "bounce": EventKind.UNCLEAR_BOUNCE,  # until its label says more
    "spamreport": EventKind.COMPLAINT,
    "unsubscribe": EventKind.UNSUBSCRIBE,
}

#: What the command line puts on the queue; from anybody else it is a name that nobody documents.
OPERATOR_BLOCK = "operator_block"

#: What Tencent calls a bounce, as its `bounceType`.
LABELS = {
    "hard_bounce": EventKind.HARD_BOUNCE,
    "hard": EventKind.HARD_BOUNCE,
    "soft_bounce": EventKind.SOFT_BOUNCE,
    "soft": EventKind.SOFT_BOUNCE,
}

#: So many malformed elements of an array become dead letters of their own.
MAX_SINGLE_JUNK = 10
#: The end of the year 9999. JSON may hold whole numbers that are larger than any float.
_MAX_EPOCH_SECONDS = 253_402_300_800
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: One of two escapes that make a character together; the first group is what is not meant.
_HALF_A_CHARACTER = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
#: What msgspec raises on bad input: of its own, and on nesting deeper than the interpreter goes.
_BAD_JSON = (msgspec.MsgspecError, RecursionError, UnicodeError)


class _Documented(msgspec.Struct, gc=False):
    """
    The fields we read, each of the type that Tencent documents: what nearly always comes.

    Those that a policy can ask about must be there: they may be missing for a spelling of theirs.
    """

    event: str
    email: str
    username: str
    from_domain: str = msgspec.field(name="fromDomain")
    reason: str
    sender: str = msgspec.field(name="from")
    template_id: int | str = msgspec.field(name="templateId")
    bounce_type: str = msgspec.field(name="bounceType", default="")
    bulk_id: str = msgspec.field(name="bulkId", default="")
    bulk_id_as_documented: str = msgspec.field(name="bulkid", default="")
    timestamp: Annotated[float, msgspec.Meta(gt=0, lt=_MAX_EPOCH_SECONDS)] | None = None
    message_id: str = msgspec.field(name="messageId", default="")


class _Callback(msgspec.Struct, gc=False):
    """The same fields. Only the first two must be there; the others may hold anything."""

    event: str
    email: str
    bounce_type: Any = msgspec.field(name="bounceType", default="")
    bulk_id: Any = msgspec.field(name="bulkId", default="")
    bulk_id_as_documented: Any = msgspec.field(name="bulkid", default="")
    username: Any = ""
    from_domain: Any = msgspec.field(name="fromDomain", default="")
    timestamp: Any = None
    reason: Any = ""
    sender: Any = msgspec.field(name="from", default="")
    template_id: Any = msgspec.field(name="templateId", default="")
    message_id: Any = msgspec.field(name="messageId", default="")


class _OperatorBlock(msgspec.Struct, forbid_unknown_fields=True):
    """What an operator asks for. Strict: nobody but our own command line writes it."""

    event: str
    email: str
    timestamp: float
    until: date | None = None
    reason: str = ""
    by: str = ""
    note: str = ""


_T = TypeVar("_T")
#: A field's name in lower case: its name as documented.
_FIELDS = {name.lower(): name for name in _Callback.__struct_encode_fields__}

_decode_documented = msgspec.json.Decoder(_Documented).decode
_decode_operator_block = msgspec.json.Decoder(_OperatorBlock).decode
_decode_callback = msgspec.json.Decoder(_Callback).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def parse_callback(body: bytes) -> Sequence[Reported]:
    """
    Take a callback's body apart into events, each with the very bytes that reported it.

    What is not JSON, or an array without a single event, is one malformed event as a whole. So is
    an array with more than a little junk in it, beside its good events: a dead letter for each
    element would take longer than the caller waits.
    """
    try:
        body.decode()  # msgspec lets bad bytes pass in fields that it skips
        parts = _parts(body)
    except _BAD_JSON:
        return (_report(body, None),)
    reported = [_report(part, _decoded(part)) for part in parts]
    good = [event for event in reported if event.kind is not None]
    junk = len(reported) - len(good)
    if junk and (not good or junk > MAX_SINGLE_JUNK):
        return (*good, _report(body, None))
    return reported


def parse_message(
    body: str | bytes, *, from_operator: bool = False
) -> Sequence[DeliveryEvent | ErrorCode]:
    """
    Decode a queue message: one event, or an array of them. What is none becomes its code.

    An event that is to the letter as documented is decoded at once; docs/performance.md tells what
    that is worth. Whatever differs is looked at closer, by `_events`; both understand alike.
    """
    try:
        callback = _decode_documented(body)
    except _BAD_JSON:
        return _events(body, from_operator=from_operator)
    event, label = callback.event, callback.bounce_type
    kind = LABELS.get(label) if event == "bounce" else KINDS.get(event)
    if kind is None or not callback.email.strip():
        return _events(body, from_operator=from_operator)
    return (
        DeliveryEvent(
            kind,
            callback.email,
            callback.bulk_id or callback.bulk_id_as_documented,
            callback.username,
            callback.from_domain,
            callback.timestamp,
            callback.reason,
            callback.sender,
            str(callback.template_id),
            callback.message_id,
        ),
    )


def _events(body: str | bytes, *, from_operator: bool) -> Sequence[DeliveryEvent | ErrorCode]:
    if isinstance(body, str):
        body = body.encode(errors="surrogatepass")
    try:
        parts = _parts(body)
    except _BAD_JSON:
        return (ErrorCode.MALFORMED_EVENT,)
    return [_event(part, from_operator=from_operator) for part in parts] or (
        ErrorCode.MALFORMED_EVENT,
    )


def _parts(body: bytes) -> Sequence[bytes | msgspec.Raw]:
    body = body.removeprefix(_BYTE_ORDER_MARK)
    stripped = body.strip()
    if stripped.startswith(b"["):
        return _mending(_decode_array, stripped)
    return (body,) if stripped else ()


def _report(raw: bytes | msgspec.Raw, callback: _Callback | None) -> Reported:
    if callback is None:
        return Reported(bytes(raw), "malformed", None)
    name = callback.event.strip().lower()
    kind = KINDS.get(name, EventKind.UNKNOWN)
    return Reported(bytes(raw), "unknown" if kind is EventKind.UNKNOWN else name, kind)


def _decoded(raw: bytes | msgspec.Raw) -> _Callback | None:
    try:
        callback = _mending(_decode_in_any_case, raw)
    except _BAD_JSON:
        return None
    return callback if callback.event.strip() and callback.email.strip() else None


def _mending(decode: Callable[[bytes | msgspec.Raw], _T], raw: bytes | msgspec.Raw) -> _T:
    """Decode although a reply was cut in the middle of a character: U+FFFD stands there then."""
    try:
        return decode(raw)
    except msgspec.DecodeError:
        whole = bytes(raw)
        mended = _HALF_A_CHARACTER.sub(lambda found: found[1] or rb"\ufffd", whole)
        if mended == whole:
            raise
        return decode(mended)


def _decode_in_any_case(raw: bytes | msgspec.Raw) -> _Callback:
    """Decode with the documented names; where one that decides is missing, in any letter case."""
    try:
        callback = _decode_callback(raw)
    except msgspec.ValidationError:
        pass
    else:
        if _has_all_that_decides(callback):
            return callback
    fields = _decode_object(raw)
    in_any_case = {_FIELDS.get(name.lower(), name): value for name, value in fields.items()}
    return msgspec.convert(in_any_case | fields, _Callback)  # the documented name wins


def _has_all_that_decides(callback: _Callback) -> bool:
    """Tell whether a policy would find all that it can ask for. A template may be 0, or null."""
    has_label = callback.bounce_type or callback.event.strip().lower() != "bounce"
    says_whose = callback.username and callback.from_domain and callback.sender
    return bool(has_label and callback.reason and says_whose and callback.template_id != "")


def _event(raw: bytes | msgspec.Raw, *, from_operator: bool) -> DeliveryEvent | ErrorCode:
    callback = _decoded(raw)
    if callback is None:
        return ErrorCode.MALFORMED_EVENT
    if from_operator and callback.event == OPERATOR_BLOCK:
        return _operator_block(raw)
    kind = KINDS.get(callback.event.strip().lower(), EventKind.UNKNOWN)
    if kind is EventKind.UNCLEAR_BOUNCE:
        kind = LABELS.get(_text(callback.bounce_type).strip().lower(), kind)
    return DeliveryEvent(
        kind,
        callback.email,
        _text(callback.bulk_id) or _text(callback.bulk_id_as_documented),
        _text(callback.username),
        _text(callback.from_domain),
        _epoch_seconds(callback.timestamp),
        _text(callback.reason),
        _text(callback.sender),
        _text(callback.template_id),
        _text(callback.message_id),
    )


def _operator_block(raw: bytes | msgspec.Raw) -> DeliveryEvent | ErrorCode:
    try:
        asked = _decode_operator_block(raw)
    except _BAD_JSON:
        return ErrorCode.MALFORMED_EVENT
    return DeliveryEvent(
        EventKind.OPERATOR_BLOCK,
        asked.email,
        occurred_at=_epoch_seconds(asked.timestamp),
        until=asked.until,
        note="; ".join(part for part in (asked.reason, asked.by, asked.note) if part),
    )


def _text(value: object) -> str:
    """Take text or a whole number as text; anything else says nothing."""
    return str(value) if isinstance(value, str | int) else ""


def _epoch_seconds(timestamp: object) -> float | None:
    """Take a positive number as it is; anything else says nothing about when."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return None
    return float(timestamp) if 0 < timestamp < _MAX_EPOCH_SECONDS else None
