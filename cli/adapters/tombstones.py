"""
Marks that say "this person was taken off on purpose", set before anything is taken off.

An event from before the mark is then recorded and ignored. The ledger keeps them; until a stage has
one, nothing does, and an event that still waits on the queue may block a person again.
"""

from collections.abc import Sequence
from typing import Protocol


class Tombstones(Protocol):
    """Where such marks are kept."""

    def put(self, addresses: Sequence[str]) -> None:
        """Mark *addresses*, normalised or not."""


class NoLedger:
    """A stage without a ledger: nothing is kept."""

    def put(self, addresses: Sequence[str]) -> None:
        """Keep nothing."""
