"""Events for a scenario, each with what must become of it."""

import json
import random
from collections.abc import Callable, Iterator, Sequence

from local.demo.callbacks import DOCUMENTED_CALLBACK, Event, Fate

#: Cut off, of the wrong shape, or no JSON at all: nothing that could be taken for an event.
_JUNK: Sequence[Callable[[random.Random, str], str]] = (
    lambda dice, text: text[: dice.randrange(1, len(text) - 1)],
    lambda dice, _: "!" + "".join(chr(dice.randrange(0x20, 0xD7FF)) for _ in range(50)),
    lambda dice, _: json.dumps([dice.randrange(10**9)] * dice.randrange(1, 5)),
    lambda dice, _: json.dumps({"event": dice.choice([None, 7, [], {}]), "email": "a@b.example"}),
    lambda dice, _: json.dumps({"event": "bounce", "email": dice.choice([None, 7, "", " "])}),
    lambda dice, _: "[" * dice.randrange(1, 2000),
    lambda dice, _: '{"event":"bounce","email":' + "9" * dice.randrange(1, 5000) + "}",
)


def make_events(label: str, count: int) -> list[Event]:
    """Make *count* events of every kind; *label* is in each recipient."""
    return [_event(f"{label}-{number}", number) for number in range(count)]


def make_flood(label: str, count: int, *, duplicates: float, seed: int = 7) -> list[Event]:
    """Make *count* events, of which so large a share repeats others of them, in any order."""
    dice = random.Random(seed)  # noqa: S311 - the same flood each time
    events = make_events(label, round(count * (1 - duplicates)))
    events += dice.choices(events, k=count - len(events))
    dice.shuffle(events)
    return events


def make_junk(label: str, count: int, *, seed: int = 7) -> Iterator[Event]:
    """Make what must come to rest on the dead-letter queue, byte for byte."""
    dice = random.Random(seed)  # noqa: S311 - the same junk each time
    for number in range(count):
        good = _event(f"{label}-{number}", 0).text
        yield Event(dice.choice(_JUNK)(dice, good), Fate.MALFORMED)


def _event(name: str, number: int) -> Event:
    """
    Make ten unusable addresses of every thousand; two in ten of the others are about the sender.

    Each is about a mail of its own, or the brake would hold what is about one.
    """
    recipient = f"{name}@example.com"
    if number % 100 == 9:
        return _callback(f"{name}-has-no-domain", Fate.INVALID)
    match number % 10:
        case 3 | 7:
            return _callback(recipient, Fate.IGNORED, reason="550 Mail content denied")
        case 5:
            return _callback(recipient, Fate.BLOCKED, event="spamreport")
        case _:
            return _callback(recipient, Fate.BLOCKED)


def _callback(recipient: str, fate: Fate, **changed: str) -> Event:
    # Each about a mail of its own: the brake holds what one mail does to hundreds.
    mail = {"email": recipient, "messageId": f"<{recipient}>", "bulkId": f"qcloudses-{recipient}"}
    callback = json.loads(DOCUMENTED_CALLBACK) | mail | changed
    return Event(json.dumps(callback), fate, recipient if fate is Fate.BLOCKED else "")
