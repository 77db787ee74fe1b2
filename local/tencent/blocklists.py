"""
The two blocklists of an account: its own, and the one Tencent fills with hard bounces.

An address counts as Tencent's second example of CreateCustomBlacklist shows
(https://www.tencentcloud.com/document/api/1084/77211). Undocumented, and decided here: a re-added
address changes nothing, addresses match exactly, an entry is expired from its expiry date on.
"""

import itertools
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of one address, by the name of its count."""

    VALID = "ValidCount"
    TOO_LONG = "TooLongCount"
    REPEAT = "RepeatCount"
    INVALID = "InvalidCount"


#: Addresses to refuse although they look well: any container, or a predicate.
Refused = Container[str] | Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds at the time of one call; *now* is the time in Shanghai."""

    now: datetime
    max_emails_per_request: int
    max_email_characters: int
    refused: Refused

    def fault_of(self, email: str) -> Verdict | None:
        """Say what is wrong with *email*, if anything."""
        if len(email) > self.max_email_characters:
            return Verdict.TOO_LONG
        refused = self.refused(email) if callable(self.refused) else email in self.refused
        return Verdict.INVALID if refused or "@" not in email else None


@dataclass(frozen=True, slots=True)
class CustomEntry:
    """An address on the custom blocklist; without an expiry date it stays."""

    id: int
    email: str
    created_at: datetime
    expires_on: date | None

    def is_active(self, today: date) -> bool:
        """Say whether mail to the address is still held back."""
        return self.expires_on is None or today < self.expires_on


@dataclass(frozen=True, slots=True)
class BouncedAddress:
    """An address on the automatic list."""

    email: str
    bounced_at: datetime
    reason: str


@dataclass(slots=True)
class Blocklists:
    """Both lists by address, oldest entry first."""

    custom: dict[str, CustomEntry] = field(default_factory=dict)
    automatic: dict[str, BouncedAddress] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, email: str, expires_on: date | None, rules: Rules) -> Verdict:
        """Put one address on the custom list, if it is good and new."""
        if fault := rules.fault_of(email):
            return fault
        if email in self.custom:
            return Verdict.REPEAT
        self.custom[email] = CustomEntry(next(self._ids), email, rules.now, expires_on)
        return Verdict.VALID
