"""What is posted, and where each piece of it may end."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import Enum, auto
from typing import Any

#: Every piece carries one, so that it can be found wherever it went.
TAG = re.compile(rb"tag-\d+-")

DAY_SECONDS = 86_400
#: When the world begins, in epoch seconds: a midnight in China, where Tencent's days are.
START = 10 * DAY_SECONDS - 8 * 3600.0
#: A block without an end.
FOR_GOOD = date.max
#: What the policy gives to a hard bounce without a reply.
SILENT_DAYS = 30

EXPECTED_APP, OTHER_APP = "1300000000", "1300000001"


class End(Enum):
    """What is to become of an event."""

    BLOCKED = auto()
    STRUCK = auto()  # ignored, unless it comes with what blocks
    IGNORED = auto()
    NOT_KEPT = auto()
    DEAD = auto()


@dataclass(frozen=True)
class Event:
    """
    One piece of a callback.

    *about* is the person as ours has it, and so is *address*, if anything can be asked of Tencent:
    to block until a day. *code* is for a dead letter.
    """

    tag: bytes
    raw: bytes
    end: End
    about: str = ""
    address: str = ""
    until: date = FOR_GOOD
    code: str = ""
    is_json: bool = True

    @property
    def fits_on_the_queue(self) -> bool:
        """Tell whether somebody can put it there past the door."""
        return self.is_json and self.end is not End.NOT_KEPT and self.code != "OversizedEvent"


#: As reported: as it must be blocked. One person may be spelled in several ways.
ADDRESSES: Mapping[str, str] = {
    "good1@example.com": "good1@example.com",
    " good1@EXAMPLE.com ": "good1@example.com",
    "Good1@example.com": "Good1@example.com",
    "good2@example.com": "good2@example.com",
    "good3@xn--bcher-kva.example": "good3@xn--bcher-kva.example",
    "good3@b\u00fccher.example": "good3@xn--bcher-kva.example",
    "good4@example.com": "good4@example.com",
    "good5@example.com": "good5@example.com",
    "good6@example.com": "good6@example.com",
    "bad1@example.com": "bad1@example.com",
    "bad2@example.com": "bad2@example.com",
    "bad-long@example.com": "bad-long@example.com",
    "bad-both@example.com": "bad-both@example.com",
    "poison1@example.com": "poison1@example.com",
    "poison2@example.com": "poison2@example.com",
}


def day_of(seconds: float) -> date:
    """Give the day in China."""
    return datetime.fromtimestamp(seconds, timezone(timedelta(hours=8))).date()


def _event(
    event: str,
    end: End,
    *,
    code: str = "",
    email: str | None = None,
    until: date = FOR_GOOD,
    **fields: object,
) -> Callable[[bytes, str], Event]:
    def build(tag: bytes, reported: str) -> Event:
        callback = {
            "event": event,
            "email": reported if email is None else email,
            "bulkId": tag.decode(),
            "username": EXPECTED_APP,
            **fields,
        }
        about = ADDRESSES.get(reported, reported)
        address = about if end in {End.BLOCKED, End.STRUCK} else ""
        return Event(tag, json.dumps(callback).encode(), end, about, address, until, code)

    return build


def _silent(days_ago: int) -> Callable[[bytes, str], Event]:
    """Bounce hard without a reply, some days before the world begins: that blocks for a term."""
    at = START - days_ago * DAY_SECONDS
    until = day_of(at + SILENT_DAYS * DAY_SECONDS)
    return _event("bounce", End.BLOCKED, until=until, bounceType="hard_bounce", timestamp=at)


def _junk(text: bytes, *, is_json: bool) -> Callable[[bytes, str], Event]:
    def build(tag: bytes, reported: str) -> Event:
        del reported
        return Event(
            tag, text.replace(b"TAG", tag), End.DEAD, code="MalformedEvent", is_json=is_json
        )

    return build


GONE = "550 5.1.1 user unknown"
#: With these an event is to the letter as documented, and decoded at once.
DOCUMENTED: Mapping[str, Any] = {
    "fromDomain": "example.org",
    "from": "sender@example.org",
    "templateId": 7,
    "reason": GONE,
}

KINDS: Mapping[str, Callable[[bytes, str], Event]] = {
    "hard": _event("bounce", End.BLOCKED, bounceType="hard_bounce", **DOCUMENTED),
    "older hard": _event("Bounce", End.BLOCKED, bounceType="hard", reason=GONE),
    "silent": _silent(9),
    "silent, later": _silent(5),
    "rate limited": _event(
        "bounce", End.IGNORED, bounceType="hard", reason="550 Ip frequency limited"
    ),
    "complaint": _event("spamreport", End.BLOCKED, timestamp=1_700_000_000),
    "soft": _event("bounce", End.STRUCK, bounceType="soft_bounce", **DOCUMENTED),
    "unclear": _event("bounce", End.STRUCK),
    "unsubscribe": _event("unsubscribe", End.IGNORED),
    "dropped": _event("dropped", End.IGNORED),
    "delivered": _event("delivered", End.NOT_KEPT),
    "open": _event("open", End.NOT_KEPT),
    "unknown": _event("resurrected", End.DEAD, code="UnknownEvent"),
    "no address": _event("spamreport", End.DEAD, code="InvalidAddress", email="nobody"),
    "stranger": _event("spamreport", End.DEAD, code="UnexpectedSender", username=OTHER_APP),
    "oversized": _event("spamreport", End.DEAD, code="OversizedEvent", filler="x" * 61_440),
    "no event": _junk(b'{"email": "good6@example.com", "bulkId": "TAG"}', is_json=True),
    "a number": _junk(b'{"event": 5, "email": "TAG"}', is_json=True),
    "text": _junk(b"TAG is no JSON", is_json=False),
    "bytes": _junk(b"\xff\x00TAG", is_json=False),
}

#: What is drawn most: it is what can be lost.
USUAL_KINDS = ("hard", "older hard", "complaint", "silent", "silent, later")


def is_silent(text: str) -> bool:
    """Tell whether nobody could learn from *text* about whom or which mail an event was."""
    return not any(trace in text for trace in ("@", "nobody", "bulkId", "tag-"))


def tags(text: bytes) -> Iterable[bytes]:
    return TAG.findall(text)


def as_array(events: Iterable[Event]) -> bytes:
    return b"[" + b", ".join(event.raw for event in events) + b"]"
