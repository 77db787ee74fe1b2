"""What the demo posts: every kind of event, and what must become of each."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

EVENTS = 1000
DAY_SECONDS = 86_400

#: Tencent's own sample, to the letter: https://www.tencentcloud.com/document/product/1084/39492
DOCUMENTED_CALLBACK = Path(__file__).with_name("documented_callback.json").read_text()
DOCUMENTED_RECIPIENT = "example@example.com"

#: Well-formed, and still not to Tencent's taste: only its counts will tell.
REFUSED = ("refused-1@example.net", "refused-2@example.net", "refused-3@example.net")


class Fate(Enum):
    """What must become of an event, in the words of the accounting."""

    BLOCKED = "blocked"
    STRUCK = "one of several that block together"
    IGNORED = "ignored, on purpose"
    PASSED = "counted at the door"
    TURNED_AWAY = "turned away: wrong token"
    MALFORMED = "dead letter: MalformedEvent"
    UNKNOWN = "dead letter: UnknownEvent"
    INVALID = "dead letter: InvalidAddress"
    REFUSED = "dead letter: RefusedAddress"

    @property
    def error_code(self) -> str | None:
        """The `ErrorCode` of a dead letter."""
        _, _, code = self.value.partition("dead letter: ")
        return code or None


#: What no callback of Tencent's is, or is about nobody.
_UNTOLD = frozenset({Fate.MALFORMED, Fate.TURNED_AWAY, Fate.INVALID})
#: What cannot share a request: an array with junk in it, or a token, is one for all in it.
_ALONE = frozenset({Fate.MALFORMED, Fate.TURNED_AWAY})
#: So many of the others are posted as objects, which is all that Tencent documents.
OBJECTS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """
    One event as text, its *fate*, and the recipient that is on the blocklist afterwards.

    *rule* is the policy's that decides, where it comes that far.
    """

    text: str
    fate: Fate
    blocks: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One request: one event as an object, or several as an array."""

    events: Sequence[Event]

    @property
    def body(self) -> str:
        """Give the body; what is malformed stands alone, or the array would be malformed too."""
        texts = [event.text for event in self.events]
        return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"

    @property
    def has_token(self) -> bool:
        """Tell whether the request is to get in."""
        return self.events[0].fate is not Fate.TURNED_AWAY


def make_posts(*, now: float, seed: int = 7) -> list[Post]:
    """
    Give the requests: the documented callback first, then the rest shuffled, some as arrays.

    *now* is in epoch seconds; the events happened in the days before.
    """
    dice = random.Random(seed)  # noqa: S311 - the same demo each time
    events = [*_events(dice, now)]
    dice.shuffle(events)
    alone = [event for event in events if event.fate in _ALONE]
    others = [event for event in events if event.fate not in _ALONE]
    posts = [Post([event]) for event in alone + others[:OBJECTS]]
    start = OBJECTS
    while start < len(others):
        size = dice.randint(2, 20)
        posts.append(Post(others[start : start + size]))
        start += size
    dice.shuffle(posts)
    documented = Event(DOCUMENTED_CALLBACK, Fate.BLOCKED, DOCUMENTED_RECIPIENT, "address gone")
    return [Post([documented]), *posts]


def hard_bounces(events: Iterable[Event]) -> Mapping[str, str]:
    """Give whom Tencent puts on its own list for *events*, each with the last reply about them."""
    told = [json.loads(event.text) for event in events if event.fate not in _UNTOLD]
    hard = [
        each
        for each in told
        if each["event"].lower() == "bounce"
        and each.get("bounceType", "").lower() in {"hard", "hard_bounce"}
    ]
    return {_one_spelling(each["email"]): each.get("reason", "") for each in hard}


def _one_spelling(address: str) -> str:
    name, at, domain = address.strip().rpartition("@")
    return f"{name}{at}{domain.lower()}"


#: Replies of servers that refuse with a permanent code, which Tencent may label hard, and that say
#: nothing against the address. The first four are QQ's.
ABOUT_THE_SENDER = (
    "550 Ip frequency limited",
    "550 Mail content denied",
    "550 Suspected spam sender",
    "550 DMARC check failed",
    "554 5.7.1 Service unavailable; Client host blocked using Spamhaus",
    "550 5.7.26 This mail is unauthenticated",
)


def _events(dice: random.Random, now: float) -> Iterator[Event]:
    make = _Maker(now)
    yield from _hard_bounces(dice, make)
    for index in range(70):
        recipient = f"complaint-{index}@example.org"
        yield make(recipient, Fate.BLOCKED, rule="complaint", event="spamreport")
    for index in range(30):
        recipient = f"silent-{index}@example.com"
        yield make(recipient, Fate.BLOCKED, rule="hard without a reply", reason="")
    for index in range(228):
        recipient = f"living-{index}@example.com"
        reply = ABOUT_THE_SENDER[index % len(ABOUT_THE_SENDER)]
        yield make(recipient, Fate.IGNORED, rule="about the sender", reason=reply)
    yield from _full_mailboxes(make)
    for index in range(20):
        recipient = f"unclear-{index}@example.com"
        yield make(recipient, Fate.IGNORED, rule="bounced", bounceType="")
        recipient = f"unsubscribe-{index}@example.com"
        yield make(recipient, Fate.IGNORED, rule="unsubscribe", event="unsubscribe")
    yield from _for_nobody(make)


def _for_nobody(make: "_Maker") -> Iterator[Event]:
    """Give what no rule of the policy decides about."""
    for index, name in enumerate(["delivered"] * 120 + ["open"] * 30):
        yield make(f"alive-{index}@example.com", Fate.PASSED, event=name)
    for recipient in REFUSED:
        yield make(recipient, Fate.REFUSED, rule="address gone")
    for recipient in ("no-at-sign.example.com", "two@@example.com", "nodot@localhost"):
        yield make(recipient, Fate.INVALID)
    for name in ("delivery", "Bounced"):
        yield make(f"{name}@example.com", Fate.UNKNOWN, event=name)
    for text in ("not JSON", '{"event":"bounce"}', '{"email":"a@example.com"}', "[1,2]"):
        yield Event(text, Fate.MALFORMED)
    for index in range(15):
        yield make(f"forged-{index}@example.com", Fate.TURNED_AWAY)


def _hard_bounces(dice: random.Random, make: "_Maker") -> Iterator[Event]:
    """Give hard bounces in every spelling, a fifth of them twice or with another letter case."""
    spellings = ("hard_bounce", "hard", "HARD_BOUNCE", "Hard")
    recipients = [f"gone-{index}@example.com" for index in range(249)]
    recipients += ["Jane.Doe@例え.テスト", "o'brien+news@sub.example.co.uk"]
    normalised = {"Jane.Doe@例え.テスト": "Jane.Doe@xn--r8jz45g.xn--zckzah"}
    for recipient in recipients:
        label, blocks = dice.choice(spellings), normalised.get(recipient, "")
        yield make(recipient, Fate.BLOCKED, blocks, rule="address gone", bounceType=label)
    for recipient in dice.sample(recipients[:249], 49):
        again = recipient.replace("@example.com", "@Example.COM ")
        yield make(again, Fate.BLOCKED, recipient, rule="address gone")


def _full_mailboxes(make: "_Maker") -> Iterator[Event]:
    """Give mailboxes that were full once, and some that were full on three days."""
    full = {"bounceType": "soft_bounce", "reason": "552 5.2.2 Mailbox is full"}
    for index in range(109):
        yield make(f"full-{index}@example.com", Fate.IGNORED, rule="bounced", **full)
    for index in range(15):
        recipient = f"full-for-days-{index}@example.com"
        for day in range(3):
            when = make.now - day * DAY_SECONDS
            yield make(recipient, Fate.STRUCK, rule="bounced", timestamp=when, **full)


class _Maker:
    """Makes events out of the documented one, each about a mail of its own."""

    def __init__(self, now: float) -> None:
        self.now = int(now)
        self._made = 0

    def __call__(
        self, recipient: str, fate: Fate, blocks: str = "", *, rule: str = "", **changed: object
    ) -> Event:
        self._made += 1
        callback = {
            **json.loads(DOCUMENTED_CALLBACK),
            "email": recipient,
            "bulkId": f"qcloudses-30-251200670-demo-{self._made}",
            "timestamp": self.now,
            **changed,
        }
        is_blocked = fate in {Fate.BLOCKED, Fate.STRUCK}
        return Event(json.dumps(callback), fate, (blocks or recipient) if is_blocked else "", rule)
