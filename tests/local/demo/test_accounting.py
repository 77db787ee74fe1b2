"""The accounting holds when everything is there, and only then."""

from collections import Counter
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from local.demo.accounting import DeadLetter, Findings, account
from local.demo.callbacks import Event, Fate
from local.demo.display import show_accounting

EVENTS = [
    Event("1", Fate.BLOCKED, "a@example.com", "complaint"),
    Event("2", Fate.BLOCKED, "a@example.com"),
    Event("3", Fate.BLOCKED, "b@example.com"),
    Event("4", Fate.IGNORED),
    Event("5", Fate.PASSED),
    Event("6", Fate.TURNED_AWAY),
    Event("7", Fate.MALFORMED),
    Event("8", Fate.REFUSED),
    Event("9", Fate.STRUCK, "a@example.com", "bounced"),
]

TRUE = Findings(
    blocked=frozenset({"a@example.com", "b@example.com"}),
    dead_letters=[
        DeadLetter(code, "", "", "", "") for code in ("MalformedEvent", "RefusedAddress")
    ],
    waiting=0,
    turned_away=1,
    counted=Counter(Events=8, Received=7, Retried=1, Accepted=3, Ignored=2, DeadLettered=1),
    decided={("complaint", "block"): 1, ("bounced", "strike"): 1},
)


def test_complete_findings_hold() -> None:
    assert [check.what for check in account(EVENTS, TRUE) if not check.holds] == []


@pytest.mark.parametrize(
    ("findings", "trouble"),
    [
        (replace(TRUE, blocked=frozenset({"a@example.com"})), ["addresses blocked, each once"]),
        (
            replace(TRUE, blocked=frozenset({"a@example.com", "wrong@example.com"})),
            ["addresses blocked, each once"],
        ),
        (
            replace(TRUE, blocked=TRUE.blocked | {"wrong@example.com"}),
            ["addresses blocked, each once"],
        ),
        (
            replace(TRUE, dead_letters=TRUE.dead_letters[:1]),
            ["dead letters, the door's too", "  RefusedAddress"],
        ),
        (
            replace(TRUE, dead_letters=[*TRUE.dead_letters, TRUE.dead_letters[0]]),
            ["dead letters, the door's too", "  MalformedEvent"],
        ),
        (replace(TRUE, waiting=1), ["  still waiting"]),
        (replace(TRUE, turned_away=0), ["events posted", "  turned away: wrong token"]),
        (
            replace(TRUE, counted=Counter({**TRUE.counted, "Events": 9})),
            ["events posted", "  counted by the door"],
        ),
        (
            replace(TRUE, counted=Counter({**TRUE.counted, "Received": 6})),
            ["messages on the queue"],
        ),
        (replace(TRUE, counted=Counter({**TRUE.counted, "Ignored": 3})), ["  accepted or ignored"]),
        (
            replace(TRUE, counted=Counter({**TRUE.counted, "Accepted": 2})),
            ["  accepted or ignored"],
        ),
        (replace(TRUE, decided={("complaint", "block"): 1}), ["decided by 'bounced'"]),
        (replace(TRUE, counted=Counter({**TRUE.counted, "DeadLettered": 0})), ["  dead letters"]),
    ],
)
def test_anything_missing_or_too_much_is_named(findings: Findings, trouble: list[str]) -> None:
    assert [check.what for check in account(EVENTS, findings) if not check.holds] == trouble


def test_who_is_missing_and_who_is_too_many_is_named() -> None:
    """A number alone leaves whoever reads it with nothing to look for."""
    blocked = frozenset({"a@example.com", "wrong@example.com"})
    console = Console(record=True, width=120, file=StringIO())

    show_accounting(console, [*account(EVENTS, replace(TRUE, blocked=blocked))])

    said = console.export_text()
    assert "1 missing, 1 too many" in said
    assert "missing: b@example.com" in said
    assert "too many: wrong@example.com" in said
