"""What the demo posts: every kind of event, and what must become of each."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

EVENTS = 1000

#: Tencent's own sample, to the letter: https://www.tencentcloud.com/document/product/1084/39492
DOCUMENTED_CALLBACK = Path(__file__).with_name("documented_callback.json").read_text()
DOCUMENTED_RECIPIENT = "example@example.com"

#: Well-formed, and still not to Tencent's taste: only its counts will tell.
REFUSED = ("refused-1@example.net", "refused-2@example.net", "refused-3@example.net")


class Fate(Enum):
    """What must become of an event, in the words of the accounting."""

    BLOCKED = "blocked"
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


#: What cannot share a request: an array with junk in it, or a token, is one for all in it.
_ALONE = frozenset({Fate.MALFORMED, Fate.TURNED_AWAY})
#: So many of the others are posted as objects, which is all that Tencent documents.
OBJECTS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One event as text, its *fate*, and the recipient that is on the blocklist afterwards."""

    text: str
    fate: Fate
    blocks: str = ""


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


def make_posts(*, seed: int = 7) -> list[Post]:
    """Give the requests: the documented callback first, then the rest shuffled, some as arrays."""
    dice = random.Random(seed)  # noqa: S311 - the same demo each time
    events = [*_events(dice)]
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
    return [Post([Event(DOCUMENTED_CALLBACK, Fate.BLOCKED, DOCUMENTED_RECIPIENT)]), *posts]


def _events(dice: random.Random) -> Iterator[Event]:
    yield from _hard_bounces(dice)
    for index in range(70):
        recipient = f"complaint-{index}@example.org"
        yield _event(recipient, Fate.BLOCKED, event="spamreport")
    for index in range(200):
        yield _event(f"soft-{index}@example.com", Fate.IGNORED, bounceType="soft_bounce")
    for index in range(20):
        yield _event(f"unclear-{index}@example.com", Fate.IGNORED, bounceType="")
        yield _event(f"unsubscribe-{index}@example.com", Fate.IGNORED, event="unsubscribe")
    for index, name in enumerate(["delivered"] * 120 + ["open"] * 40 + ["click"] * 20):
        yield _event(f"alive-{index}@example.com", Fate.PASSED, event=name)
    for recipient in REFUSED:
        yield _event(recipient, Fate.REFUSED)
    for recipient in ("no-at-sign.example.com", "two@@example.com", "nodot@localhost"):
        yield _event(recipient, Fate.INVALID)
    for name in ("delivery", "Bounced"):
        yield _event(f"{name}@example.com", Fate.UNKNOWN, event=name)
    for text in ("not JSON", '{"event":"bounce"}', '{"email":"a@example.com"}', "[1,2]"):
        yield Event(text, Fate.MALFORMED)
    for index in range(20):
        yield _event(f"forged-{index}@example.com", Fate.TURNED_AWAY)


def _hard_bounces(dice: random.Random) -> Iterator[Event]:
    """Give hard bounces in every spelling, a fifth of them twice or with another letter case."""
    spellings = ("hard_bounce", "hard", "HARD_BOUNCE", "Hard")
    recipients = [f"gone-{index}@example.com" for index in range(399)]
    recipients += ["Jane.Doe@例え.テスト", "o'brien+news@sub.example.co.uk"]
    normalised = {"Jane.Doe@例え.テスト": "Jane.Doe@xn--r8jz45g.xn--zckzah"}
    for recipient in recipients:
        label = dice.choice(spellings)
        yield _event(recipient, Fate.BLOCKED, normalised.get(recipient, ""), bounceType=label)
    for recipient in dice.sample(recipients[:399], 76):
        yield _event(recipient.replace("@example.com", "@Example.COM "), Fate.BLOCKED, recipient)


def _event(recipient: str, fate: Fate, blocks: str = "", **changed: str) -> Event:
    callback = {
        **json.loads(DOCUMENTED_CALLBACK),
        "email": recipient,
        **changed,
    }
    blocked = (blocks or recipient) if fate is Fate.BLOCKED else ""
    return Event(json.dumps(callback), fate, blocked)
