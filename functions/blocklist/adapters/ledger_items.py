"""
The ledger's item: one for each address, of which everything that matters only grows.

docs/decisions/0015 tells what each attribute is for.

* `pk`            the address, hashed under the ledger's key
* `address`       the address itself, until the person is erased
* `expires_at`    when DynamoDB may delete all of this, in epoch seconds
* `f:KEY`         one event: what `Fact` holds, and details for people
* `held`          the keys of facts that wait for a person
* `unblocked`     when the address was unblocked
* `disowned`      the keys of facts that a person declared a mistake
* `applied`       until when it is on Tencent's list, 9999-12-31 for good
* `asked`         the same for a request that may or may not have taken effect
* `changes`       how often one of the two was written
* `o:BATCH`       what a batch did about the address
* `u:SECONDS`     who unblocked it, and why
* `d:SECONDS`     who disowned facts, and why
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from functions.blocklist.adapters.dynamo_table import Item, WrongRequestError
from functions.blocklist.domain.events import BOUNCES
from functions.blocklist.domain.history import Fact, History
from functions.blocklist.domain.policy import Action
from functions.blocklist.domain.replies import redact
from functions.blocklist.services.ports import Change, Record

Value: TypeAlias = Mapping[str, Any]

FACT, OUTCOME, UNBLOCK, DISOWNED = "f:", "o:", "u:", "d:"
#: The origin of what was on Tencent's list before the ledger knew of it.
EXISTING = "existing"

#: Longer text is cut: a callback may hold a novel in any field, and an item 400 KB in all.
MAX_TEXT_BYTES = 256
#: What a fact is without its details.
_BARE = frozenset({"at", "action", "days", "until", "mail"})


def read_history(item: Item) -> History:
    """
    Give what *item* says that a decision may hang on.

    Raises:
        WrongRequestError: it says something that only another version of this code can read.
    """
    try:
        return _read_history(item)
    except (KeyError, ValueError):
        raise WrongRequestError("dynamodb:UnreadableItem") from None


def _read_history(item: Item) -> History:
    return History(
        facts=tuple(
            _read_fact(name.removeprefix(FACT), value["M"])
            for name, value in item.items()
            if name.startswith(FACT)
        ),
        held=frozenset(item.get("held", {}).get("SS", ())),
        unblocked=frozenset(map(float, item.get("unblocked", {}).get("NS", ()))),
        disowned=frozenset(item.get("disowned", {}).get("SS", ())),
        applied=_read_day(item.get("applied")),
        asked=_read_day(item.get("asked")),
        changes=int(item.get("changes", {}).get("N", 0)),
    )


def _read_fact(key: str, entry: Mapping[str, Value]) -> Fact:
    return Fact(
        key=key,
        at=float(entry["at"]["N"]),
        action=Action(entry["action"]["S"]),
        mail=entry.get("mail", {}).get("S", ""),
        days=int(entry.get("days", {}).get("N", 0)),
        until=_read_day(entry.get("until")),
    )


def _read_day(value: Value | None) -> date | None:
    return date.fromisoformat(value["S"]) if value else None


def fact_entry(
    record: Record, recipient: str, *, policy_version: str, batch_id: str, now: float
) -> Value:
    """Write down a record as the value of its fact's attribute."""
    fact, event, ruling = record.fact, record.event, record.ruling
    verdict = ruling.verdict
    reply = redact(event.reply, recipient) if event.kind in BOUNCES else ""
    details = {
        "kind": event.kind.value,
        "rule": ruling.rule,
        "policy": policy_version,
        "reason": verdict.reason.value if event.kind in BOUNCES else "",
        "reply_rule": verdict.rule,
        "code": verdict.code,
        "enhanced": verdict.enhanced,
        "reply": reply,
        "sender": event.sender,
        "from_domain": event.from_domain,
        "template_id": event.template_id,
        "app_id": event.app_id,
        "message_id": event.message_id if event.message_id != fact.mail else "",
        "origin": "operator" if record.from_operator else "callback",
        "note": event.note,
        "batch": batch_id,
        "recorded_at": iso(now),
    }
    return _entry(fact, details)


def existing_entry(fact: Fact, *, now: float) -> Value:
    """Write down what was on Tencent's list before the ledger knew of it."""
    return _entry(fact, {"origin": EXISTING, "recorded_at": iso(now)})


def _entry(fact: Fact, details: Mapping[str, str]) -> Value:
    return {
        "M": {
            "at": number(fact.at),
            "action": {"S": fact.action.value},
            **({"days": number(fact.days)} if fact.days else {}),
            **({"until": day(fact.until)} if fact.until else {}),
            **texts({"mail": fact.mail, **details}),
        }
    }


def bare(entry: Value) -> Value:
    """Give a fact's entry without its details: what a decision may hang on stays."""
    return {"M": {name: value for name, value in entry["M"].items() if name in _BARE}}


def is_bare(entry: Value) -> bool:
    """Tell whether a fact's entry has no details to lose."""
    return set(entry["M"]) <= _BARE


def outcome_entry(change: Change, *, policy_version: str, now: float) -> Value:
    """Write down what was done about an address."""
    return {
        "M": {
            "at": number(now),
            **({"until": day(change.until)} if change.until else {}),
            **texts(
                {
                    "outcome": change.outcome,
                    "policy": policy_version,
                    "request_id": change.request_id,
                }
            ),
        }
    }


def number(value: float) -> Value:
    """
    Write down a number.

    To the microsecond: DynamoDB refuses numbers nearer to zero than any time ever is.
    """
    return {"N": repr(round(value, 6))}


def day(value: date) -> Value:
    """Write down a day."""
    return {"S": value.isoformat()}


def texts(fields: Mapping[str, str]) -> dict[str, Value]:
    """Write down what is not empty, cut, and without what is no character."""
    return {
        name: {"S": text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")}
        for name, text in fields.items()
        if text
    }


def iso(now: float) -> str:
    """Give a moment as people read it."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")


def oldest_first(entries: Iterable[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """Sort entries by when they happened."""
    return sorted(entries, key=lambda entry: (float(entry[1]["M"]["at"]["N"]), entry[0]))
