"""
One invocation's requests to the blocklist, and what became of every recipient.

The blocklist answers with counts, never with names. So a request whose answer counts refused
recipients is narrowed down: one half is sent again, the other half's share follows from the counts.
That takes at most k * ceil(log2(n)) more requests for k refused among n, and their neighbours are
on the list already. A request that is refused as a whole is halved, level by level, until what is
not accepted stands alone; where nothing at all is accepted, the settings are at fault, no address.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    RefusedRequestError,
    RequestTooLargeError,
    RetryLaterError,
    TooManyRecipientsError,
)
from functions.blocklist.services.ports import Answer, Blocklist, Pacer
from functions.blocklist.services.reports import Refusal, RequestTotals

Group = Sequence[str]
#: A recipient that was refused in a request of its own, and how.
_Lone = tuple[str, RefusedRequestError]


class _Send(Protocol):
    def __call__(self, group: Group, /, *, timeout_seconds: float) -> Answer: ...


#: After so many requests in a row without a usable answer, the rest waits for a better time.
MAX_UNAVAILABLE_IN_A_ROW = 3
#: Halves, quarters, eighths: when none of them is accepted, single recipients are asked about.
LEVELS_BEFORE_PROBING = 3
#: So many recipients refused alone, and nothing accepted: it is not for an address.
MAX_ALONE_WITHOUT_ANSWER = 8


class Requests:
    """
    Sends recipients to the blocklist and settles each of them.

    No request starts after *last_start* (monotonic seconds), and each ends within
    *timeout_seconds*. After `finish`, a recipient that is neither in `accepted`, with the id of the
    request that told, nor in `refused` is to be tried again in another invocation. `removed` are
    those that were taken off the list.
    """

    def __init__(
        self, blocklist: Blocklist, pacer: Pacer, *, last_start: float, timeout_seconds: float
    ) -> None:
        self.accepted: dict[str, str] = {}
        self.removed: set[str] = set()
        self.refused: dict[str, Refusal] = {}
        self.totals = RequestTotals()
        self._blocklist = blocklist
        self._pacer = pacer
        self._last_start = last_start
        self._timeout_seconds = timeout_seconds
        self._until: date | None = None
        self._stopped = False
        self._answers = 0
        self._unavailable_in_a_row = 0
        self._alone: list[tuple[_Lone, int]] = []
        self._last_accepted: tuple[str, date | None] | None = None

    def block(self, recipients: Group, *, until: date | None) -> None:
        """Block *recipients*, each request as full as the blocklist allows."""
        self._until = until
        self._forget(recipients)
        self._block_full_groups(recipients)

    def remove(self, recipients: Group) -> None:
        """
        Take *recipients* off the list; the answer tells no more than that it was done.

        A request that is refused is halved; whoever is refused alone is to be tried again.
        """
        self.removed.difference_update(recipients)
        self._forget(recipients)
        position = 0
        while position < len(recipients) and not self._stopped:
            group = recipients[position : position + self._blocklist.max_recipients]
            self._remove_group(group)
            position += len(group)

    def _remove_group(self, group: Group) -> None:
        try:
            answer = self._request(group, self._blocklist.remove)
        except BlocklistError as error:
            if isinstance(error, TooManyRecipientsError):
                self._blocklist.shrink(len(group))
            if len(group) > 1:
                for half in _halves(group):
                    self._remove_group(half)
        else:
            if answer:
                self.removed.update(group)

    def finish(self) -> None:
        """
        Judge those that were refused alone: by then it is known whether anything is accepted.

        Before outcomes are written down: whoever is asked for again is nobody else's until then.
        """
        proven, others = self._by_proof()
        if len(self._alone) > 1 and others and _alike(others):
            self._ask_again()
            proven, others = self._by_proof()
        self._refuse(proven)
        if len(self._alone) == 1 or not _alike(others):
            self._refuse(others)
        elif others:
            self._stop_misconfigured(others[0][1])
        self._alone, self._last_accepted = [], None

    def _by_proof(self) -> tuple[Sequence[_Lone], Sequence[_Lone]]:
        """Part those after whom something was accepted from the others."""
        proven = [lone for lone, answers in self._alone if answers < self._answers]
        others = [lone for lone, answers in self._alone if answers >= self._answers]
        return proven, others

    def _ask_again(self) -> None:
        """Repeat whoever was accepted before: whether the settings are still right."""
        if self._last_accepted:
            recipient, self._until = self._last_accepted
            self._probe([recipient])

    def _block_full_groups(self, recipients: Group) -> None:
        position = 0
        while position < len(recipients) and not self._stopped:
            group = recipients[position : position + self._blocklist.max_recipients]
            self._block_group(group)
            position += len(group)

    def _block_group(self, group: Group) -> None:
        error = self._attempt(group)
        if error and len(group) > 1:
            self._halve(group, error)
        elif error:
            self._leave_open([(group[0], error)], answers=0)

    def _leave_open(self, alone: Sequence[_Lone], *, answers: int) -> None:
        """Wait whether more than *answers* requests are accepted: then the recipients are bad."""
        self._alone += [(lone, answers) for lone in alone]
        unproven = sum(answers >= self._answers for _, answers in self._alone)
        self._stopped |= unproven >= MAX_ALONE_WITHOUT_ANSWER

    def _attempt(self, group: Group) -> RefusedRequestError | None:
        """Send *group* and settle what can be; give the error back when it is refused whole."""
        try:
            answer = self._request(group)
        except RefusedRequestError as error:
            return error
        except TooManyRecipientsError as error:
            self._blocklist.shrink(len(group))
            self._retry_smaller(group, error, self._block_full_groups)
        except RequestTooLargeError as error:
            self._retry_smaller(group, error, self._block_halves)
        else:
            if answer:
                self._settle(group, answer)
        return None

    def _retry_smaller(
        self, group: Group, error: BlocklistError, block: Callable[[Group], None]
    ) -> None:
        if len(group) == 1:
            self._stop_misconfigured(error)
        else:
            block(group)

    def _block_halves(self, group: Group) -> None:
        for half in _halves(group):
            self._block_group(half)

    def _halve(self, group: Group, error: RefusedRequestError) -> None:
        """
        Find what is not accepted in a *group* that was refused whole.

        Level by level and not half by half: two bad recipients in different halves would otherwise
        look as if nothing was accepted, and hold back all their neighbours.
        """
        answers_before, depth, silent = self._answers, 0, False
        level: Sequence[Group] = [group]
        alone: list[_Lone] = []
        while level and not self._stopped:
            depth += 1
            parts = [half for part in level for half in _halves(part)]
            refused = self._attempt_each(parts)
            silent |= len(refused) < len(parts)
            if depth == LEVELS_BEFORE_PROBING and self._answers == answers_before:
                probes = [part[:1] for part, _ in refused if len(part) > 1]
                probed = [(probe, again) for probe in probes if (again := self._probe(probe))]
                silent |= len(probed) < len(probes)
                if self._answers == answers_before:
                    refused = [*(one for one in refused if len(one[0]) == 1), *probed]
            level = [part for part, _ in refused if len(part) > 1]
            alone += [(part[0], again) for part, again in refused if len(part) == 1]
        if self._answers > answers_before or not _alike(alone):
            self._refuse(alone)
        elif len(alone) == len(group):
            self._leave_open(alone, answers=answers_before)
        elif not silent:
            self._stop_misconfigured(error)

    def _attempt_each(self, parts: Sequence[Group]) -> list[tuple[Group, RefusedRequestError]]:
        """Give those of *parts* that were refused whole."""
        attempts = [(part, self._attempt(part)) for part in parts]
        return [(part, error) for part, error in attempts if error]

    def _probe(self, group: Group) -> RefusedRequestError | None:
        """Ask whether *group* is accepted. It counts when it is sent with its neighbours."""
        try:
            self._request(group)
        except RefusedRequestError as error:
            return error
        except BlocklistError:
            pass  # that proves nothing
        return None

    def _forget(self, recipients: Group) -> None:
        """Let no earlier answer pass for the one to come."""
        for recipient in recipients:
            self.accepted.pop(recipient, None)

    def _accept(self, group: Group, request_id: str) -> None:
        self._last_accepted = (group[0], self._until)
        self.accepted.update(dict.fromkeys(group, request_id))

    def _refuse(self, alone: Sequence[_Lone]) -> None:
        self.totals.refused += len(alone)
        for recipient, error in alone:
            self.refused[recipient] = Refusal(ErrorCode.REFUSED_REQUEST, error.request_id)

    def _settle(self, group: Group, answer: Answer) -> None:
        counts, totals = answer.counts, self.totals
        if counts is None:
            totals.uncounted += len(group)
            self._accept(group, answer.request_id)
        elif counts.refused > len(group) > 1:
            self._block_halves(group)  # it cannot be true, and yet somebody was refused
        else:
            refused = min(counts.refused, len(group))
            totals.refused += refused
            if counts.add_up_to(len(group)):
                totals.added += counts.added
                totals.repeated += counts.repeated
            else:
                totals.uncounted += len(group) - refused
            self._narrow_down(group, refused, answer.request_id)

    def _narrow_down(self, group: Group, refused: int, request_id: str) -> None:
        """Settle *group*, of which the blocklist holds all but *refused*."""
        if not refused:
            self._accept(group, request_id)
        elif refused == len(group):
            refusal = Refusal(ErrorCode.REFUSED_ADDRESS, request_id)
            self.refused.update(dict.fromkeys(group, refusal))
        else:
            left, right = _halves(group)
            for half, other in ((left, right), (right, left)):
                found = self._count_again(half)
                if found and 0 <= refused - found.refused <= len(other):
                    self._narrow_down(half, found.refused, found.request_id)
                    self._narrow_down(other, refused - found.refused, request_id)
                    break

    def _count_again(self, half: Group) -> "_Found | None":
        """Repeat recipients that were taken as part of a larger request; None: it told nothing."""
        try:
            answer = self._request(half)
        except RefusedRequestError as error:
            return _Found(1, error.request_id or "") if len(half) == 1 else None
        except TooManyRecipientsError:
            self._blocklist.shrink(len(half))
            return None
        except RequestTooLargeError:
            return None
        if not answer or not answer.counts or not 0 <= answer.counts.refused <= len(half):
            return None
        return _Found(answer.counts.refused, answer.request_id)

    def _request(self, group: Group, send: "_Send | None" = None) -> Answer | None:
        """
        Send one request; None when there is no time for it, or it is to be tried again later.

        Raises:
            TooManyRecipientsError, RequestTooLargeError, RefusedRequestError: halving may help.
        """
        if self._stopped or not self._pacer.wait(before=self._last_start):
            self._stopped = True
            return None
        self.totals.requests += 1
        try:
            answer = (send or self._add)(group, timeout_seconds=self._timeout_seconds)
        except RetryLaterError as error:
            self._retry_later(error)
            return None
        except BlocklistError as error:
            self._unavailable_in_a_row = 0
            self._note(error)
            raise
        self._answers += send is None  # that others were taken off says nothing about blocking
        self._unavailable_in_a_row = 0
        return answer

    def _add(self, group: Group, *, timeout_seconds: float) -> Answer:
        return self._blocklist.add(group, until=self._until, timeout_seconds=timeout_seconds)

    def _retry_later(self, error: RetryLaterError) -> None:
        if isinstance(error, ConfigurationError):
            self._stop_misconfigured(error)
            return
        self._note(error)
        if isinstance(error, RateLimitedError):
            self.totals.rate_limited += 1
            self._stopped = True
        else:
            self._unavailable_in_a_row += 1
            self._stopped = self._unavailable_in_a_row == MAX_UNAVAILABLE_IN_A_ROW

    def _stop_misconfigured(self, error: BlocklistError) -> None:
        self.totals.configuration_errors += 1
        self._stopped = True
        self._note(ConfigurationError(error.code, request_id=error.request_id))

    def _note(self, error: BlocklistError) -> None:
        self.totals.errors[type(error).__name__, error.code] += 1
        self.totals.last_failed_request_id = error.request_id


@dataclass(frozen=True, slots=True)
class _Found:
    """How many of a half were refused, and the request that told."""

    refused: int
    request_id: str


def _alike(alone: Sequence[_Lone]) -> bool:
    return len({error.code for _, error in alone}) <= 1


def _halves(group: Group) -> tuple[Group, Group]:
    middle = (len(group) + 1) // 2
    return group[:middle], group[middle:]
