"""What was blocked in a time, or would have been, and why: counted for people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cli.logic.audits import commonest
from cli.logic.known import BLOCKED, DRY_RUN, HELD, Event, Known, Outcome
from cli.logic.providers import provider_of
from cli.logic.times import day_in_shanghai

#: Of whom nothing is left to tell why.
NOT_KNOWN = "not known any more"
NOT_TOLD = "not told"
ERASED = "erased"
#: Rows of senders that are worth a look.
MOST_SENDERS = 20


@dataclass(slots=True)
class Report:
    """Everything that a report counts: people first, then events."""

    people: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    #: (the provider's label, what the reply says) -> events
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    unknown_texts: Sequence[tuple[str, int]] = ()

    def as_json(self) -> Mapping[str, object]:
        """Give it for programs."""
        return {
            "people": {name: self.people[name] for name in (BLOCKED, DRY_RUN, HELD)},
            "by_reason": dict(self.reasons.most_common()),
            "by_sender": dict(self.senders.most_common()),
            "by_provider": dict(self.providers.most_common()),
            "by_day": dict(sorted(self.days.items())),
            "events": {
                "by_action": dict(self.actions.most_common()),
                "by_label_and_reason": [
                    {"label": label, "reason": reason, "events": number}
                    for (label, reason), number in self.labels.most_common()
                ],
            },
            "unknown_texts": [{"text": text, "count": n} for text, n in self.unknown_texts],
        }


def sum_up(everybody: Iterable[Known], *, since: float, until: float) -> Report:
    """Count what was decided and done from *since* until before *until*."""
    report = Report()
    unknown: list[str] = []
    for known in everybody:
        events = [event for event in known.events if since <= event.decided_at < until]
        for event in events:
            report.labels[event.details.get("kind", event.origin), reason_of(event)] += 1
            report.actions[event.fact.action.value] += 1
        unknown += _unknown_texts(events)
        done = _done(known, since=since, until=until)
        if done is None:
            continue
        report.people[done.outcome] += 1
        if done.outcome != HELD:
            _count_person(report, known, done)
    report.unknown_texts = commonest(unknown)
    return report


def _count_person(report: Report, known: Known, done: Outcome) -> None:
    cause = _cause(known, done)
    report.reasons[why_blocked(cause) if cause else NOT_KNOWN] += 1
    report.senders[cause.details.get("sender", NOT_TOLD) if cause else NOT_KNOWN] += 1
    report.providers[provider_of(known.address) if known.address else ERASED] += 1
    report.days[day_in_shanghai(done.at).isoformat()] += 1


def _done(known: Known, *, since: float, until: float) -> Outcome | None:
    """Give the last of what was done about somebody in the time, a block before anything else."""
    found = [
        outcome
        for outcome in known.outcomes
        if since <= outcome.at < until
        and (outcome.outcome == HELD or (outcome.until and outcome.outcome in {BLOCKED, DRY_RUN}))
    ]
    order = (HELD, DRY_RUN, BLOCKED)
    return max(found, key=lambda each: (order.index(each.outcome), each.at), default=None)


def _cause(known: Known, done: Outcome) -> Event | None:
    """
    Give the event after which it was done: the last that was decided by then.

    One of the batch that did it comes first: events are recorded to the second. It may have none:
    what a batch recorded and could not do, the next one does.
    """
    before = [
        event for event in known.events if not event.is_ignored and event.decided_at <= done.at
    ]
    return max(
        before,
        key=lambda event: (event.details.get("batch") == done.batch, event.decided_at),
        default=None,
    )


def why_blocked(event: Event) -> str:
    """Give the reason of a reply, or where there was none, what happened."""
    return event.details.get("reason") or event.details.get("kind") or NOT_KNOWN


def reason_of(event: Event) -> str:
    """Give what the reply says, if there was one to judge."""
    return event.details.get("reason") or "no reply"


def _unknown_texts(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if event.details.get("reason") == "unknown" and event.details.get("reply"):
            yield event.details["reply"]
