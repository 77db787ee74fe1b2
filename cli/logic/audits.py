"""
Who is on Tencent's own list and should not be.

Tencent puts every hard bounce there, for every customer of its SES at once. What the recipient's
server said tells which of them are dead. A text that no rule knows tells nothing.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import TextIO

from cli.errors import WrongInputError
from cli.logic.providers import OTHERS, provider_of
from functions.blocklist.domain.reasons import Reason, Verdict
from functions.blocklist.domain.replies import redact, wording

COMMONEST = 10
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


class Life(StrEnum):
    """Whether somebody reads the mailbox."""

    DEAD = "dead"
    ALIVE = "alive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bounced:
    """An entry of Tencent's own list; *bounced_at* is Tencent's own text for it, in Shanghai."""

    address: str = field(repr=False)
    bounced_at: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an entry was found to be. These are the columns of the file, too."""

    address: str = field(repr=False)
    life: str
    provider: str
    reason: str
    rule: str
    bounced_at: str
    text: str

    @property
    def day(self) -> date:
        """The day of the bounce."""
        return date.fromisoformat(self.bounced_at[:10])


@dataclass(frozen=True, slots=True)
class Audit:
    """What a person wants to know about all findings."""

    lives: Counter[str]
    by_provider: dict[str, Counter[str]]
    reasons_alive: Counter[str]
    unknown_texts: Sequence[tuple[str, int]]


def judge(bounced: Bounced, verdict: Verdict) -> Finding:
    """Tell whether the person behind an entry is probably alive."""
    return Finding(
        address=bounced.address,
        life=_life(verdict).value,
        provider=provider_of(bounced.address),
        reason=verdict.reason.value,
        rule=verdict.rule,
        bounced_at=bounced.bounced_at,
        text=redact(bounced.text, bounced.address),
    )


def _life(verdict: Verdict) -> Life:
    """Be dead only for good: an address that may come back is not known to be anything."""
    if verdict.reason is Reason.ADDRESS_GONE:
        return Life.DEAD if verdict.is_gone_for_good else Life.UNKNOWN
    return Life.UNKNOWN if verdict.reason is Reason.UNKNOWN else Life.ALIVE


def newest(pages: Iterable[Sequence[Bounced]]) -> Sequence[Bounced]:
    """Give each address once, by its newest bounce."""
    found: dict[str, Bounced] = {}
    for page in pages:
        for bounced in page:
            known = found.get(bounced.address)
            if known is None or known.bounced_at < bounced.bounced_at:
                found[bounced.address] = bounced
    return list(found.values())


def sum_up(findings: Sequence[Finding]) -> Audit:
    """Count *findings* for people."""
    by_provider: dict[str, Counter[str]] = {}
    for finding in findings:
        by_provider.setdefault(finding.provider, Counter())[finding.life] += 1
    ordered = sorted(by_provider, key=lambda name: (name == OTHERS, -by_provider[name].total()))
    return Audit(
        lives=Counter(finding.life for finding in findings),
        by_provider={name: by_provider[name] for name in ordered},
        reasons_alive=Counter(f.reason for f in findings if f.life == Life.ALIVE),
        unknown_texts=commonest(f.text for f in findings if f.life == Life.UNKNOWN),
    )


def commonest(texts: Iterable[str]) -> Sequence[tuple[str, int]]:
    """Count texts that differ in nothing but addresses, digits and spaces as one."""
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text in texts:
        key = wording(text)
        examples.setdefault(key, text or "(no text)")
        counts[key] += 1
    return [(examples[key], number) for key, number in counts.most_common(COMMONEST)]


COLUMNS = tuple(each.name for each in fields(Finding))


def write_findings(file: TextIO, findings: Iterable[Finding]) -> None:
    """Write *findings* as CSV, the probably alive first."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, sorted(findings, key=lambda f: (f.life, f.provider))))


def read_findings(file: TextIO, *, origin: str) -> Iterator[Finding]:
    """
    Read what `write_findings` wrote, and what a person made of it since.

    Raises:
        WrongInputError: columns are missing, or a life is none.
    """
    reader = csv.DictReader(file)
    missing = set(COLUMNS) - set(reader.fieldnames or ())
    if missing:
        raise WrongInputError(
            f"{origin} is no file of an audit: it has no column {', '.join(sorted(missing))}.",
            "Write one with: ses-blocklist audit --to FILE",
        )
    for row in reader:
        finding = Finding(**{name: row[name] or "" for name in COLUMNS})
        if finding.life not in set(Life):
            raise WrongInputError(
                f"{origin}, line {reader.line_num}: life is {finding.life!r}.",
                f"It must be one of {', '.join(Life)}.",
            )
        if not _DAY.match(finding.bounced_at):
            raise WrongInputError(
                f"{origin}, line {reader.line_num}: bounced_at is {finding.bounced_at!r}.",
                "It must begin with a day, such as 2026-11-25. Did a spreadsheet change it?",
            )
        yield finding
