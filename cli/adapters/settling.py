"""Bring people at Tencent to where the ledger has them, after something was taken back."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from cli.errors import TryAgainError
from functions.blocklist.domain.history import History
from functions.blocklist.domain.terms import Terms, expire_date
from functions.blocklist.services.ports import Change

if TYPE_CHECKING:
    from cli.adapters.ledger import Ledger
    from cli.adapters.tencent import TencentLists

#: How often somebody is looked at, when the pipeline changes them meanwhile.
MAX_ROUNDS = 3


class Settling:
    """The ledger, the list, and the *terms* of the stage's policy."""

    def __init__(self, ledger: "Ledger", lists: "TencentLists", terms: Terms) -> None:
        self._ledger = ledger
        self._lists = lists
        self._terms = terms

    def until(self, history: History) -> date | None:
        """Give until when somebody is to be blocked."""
        return history.blocked_until(self._terms)

    def is_due(self, history: History) -> bool:
        """Tell whether somebody is on the list for longer than the ledger says, as far as known."""
        is_listed = bool(history.applied or history.asked)
        return is_listed and (history.applied != self.until(history) or history.asked is not None)

    def take_off(self, addresses: Collection[str], *, now: float) -> Mapping[str, date | None]:
        """
        Take *addresses* off the list, and block those again who are still to be blocked.

        Gives until when each is blocked now. The pipeline may do something about them at the same
        time; what it wrote meanwhile is looked at again.

        Raises:
            TryAgainError: somebody is changed faster than they can be looked at.
        """
        ended: dict[str, date | None] = {}
        histories = {each: self._ledger.look_up(each).history for each in addresses}
        for _ in range(MAX_ROUNDS):
            if not histories:
                return ended
            announced, changed = self._announce(histories)
            self._lists.unblock(list(announced))
            self._block(announced, now=now)
            outcomes = {name: self._outcome(history) for name, history in announced.items()}
            late = self._ledger.change(outcomes)
            ended |= {
                name: self.until(history) for name, history in announced.items() if name not in late
            }
            histories = {**changed, **late}
        raise TryAgainError("Somebody is being blocked right now.", "Run the same again.")

    def _announce(
        self, histories: Mapping[str, History]
    ) -> tuple[Mapping[str, History], Mapping[str, History]]:
        """Write down each block before its entry is taken off to be made anew."""
        doubtful = {
            name: Change(history, applied=history.applied, asked=until)
            for name, history in histories.items()
            if (until := self.until(history))
        }
        changed = self._ledger.change(doubtful)
        announced = {
            name: self._ledger.look_up(name).history if name in doubtful else history
            for name, history in histories.items()
            if name not in changed
        }
        return announced, changed

    def _block(self, histories: Mapping[str, History], *, now: float) -> None:
        days: defaultdict[date | None, list[str]] = defaultdict(list)
        for name, history in histories.items():
            if until := self.until(history):
                days[expire_date(until, now=now)].append(name)
        for day, names in days.items():
            self._lists.block(names, until=day)

    def _outcome(self, history: History) -> Change:
        until = self.until(history)
        return Change(
            history, applied=until, outcome="blocked" if until else "removed", until=until
        )


def in_groups(addresses: Sequence[str], size: int) -> Sequence[Sequence[str]]:
    """Cut *addresses* into groups of *size*."""
    return [addresses[start : start + size] for start in range(0, len(addresses), size)]
