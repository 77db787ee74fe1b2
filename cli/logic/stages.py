"""What a stage did lately and how it stands, in numbers that add up."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Ours, by the service that counts them: the door first, then the consumer, in its two units.
DOOR = ("Events", "Unavailable", "PreviousToken")
MESSAGES = ("Received", "Accepted", "Ignored", "Retried", "DeadLettered")
ADDRESSES = ("Sent", "Added", "Repeated", "Refused", "Uncounted")
REQUESTS = ("ApiRequests", "RateLimited", "ConfigurationErrors")

_SECTIONS = (
    ("at the door", DOOR),
    ("messages", MESSAGES),
    ("addresses", ADDRESSES),
    ("requests to Tencent", REQUESTS),
)
_WORDS = {
    "Events": "events",
    "Unavailable": "answered 503",
    "PreviousToken": "with the previous token",
    "DeadLettered": "dead-lettered",
    "ApiRequests": "made",
    "RateLimited": "throttled",
    "ConfigurationErrors": "refused for settings",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stage stands. *counts* are of the last *hours*; moments are in epoch seconds."""

    stage: str
    hours: int
    is_blocking: bool
    is_dry_run: bool
    counts: Mapping[str, int]
    waiting: int
    in_work: int
    oldest_arrival: float | None
    dead_letters: int
    last_callback: float | None

    def rows(self) -> list[tuple[str, str, int]]:
        """Give section, name and number of everything that is counted."""
        return [
            (section if position == 0 else "", _WORDS.get(name, name.lower()), self.counts[name])
            for section, names in _SECTIONS
            for position, name in enumerate(names)
        ]

    def hints(self) -> list[str]:
        """Give what a person should know or do, the gravest first."""
        stage = f"--stage {self.stage}"
        said = {
            "A setting stood in the way of blocking. Is it mended? ses-blocklist doctor "
            f"{stage}": self.counts["ConfigurationErrors"] > 0,
            "Callbacks were answered 503; what they told may be lost: see docs/operations.md": (
                self.counts["Unavailable"] > 0
            ),
            f"Paused: nobody is blocked until ses-blocklist resume {stage}": not self.is_blocking,
            "A dry run: it decides and counts, and blocks nobody.": self.is_dry_run,
            f"Dead letters wait for a person: ses-blocklist dead-letters list {stage}": (
                self.dead_letters > 0
            ),
            "Callbacks still come with the previous token: change the address in Tencent's "
            "console.": self.counts["PreviousToken"] > 0,
        }
        return [hint for hint, holds in said.items() if holds]


def ago(seconds: float) -> str:
    """Give a length of time in the largest unit that tells enough."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
