"""
Tencent's two blocklists, for an operator: read page by page, and entries taken off.

Sources: ListBlackEmailAddress https://www.tencentcloud.com/document/product/1084/39416,
DeleteBlackList .../39417, ListCustomBlacklist .../77209, DeleteCustomBlackList .../77210.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from queue import SimpleQueue
from threading import Lock
from typing import Any, Protocol, TypeVar

import msgspec

from cli.logic.advice import explain
from cli.logic.audits import Bounced
from cli.logic.entries import PAGE_ROWS, Blocked, BlockedPage
from cli.logic.times import day_in_shanghai
from functions.blocklist.adapters.tencent_api import ApiResponse
from functions.blocklist.domain.errors import (
    BlocklistError,
    RateLimitedError,
    RefusedRequestError,
    UnavailableError,
)

TIMEOUT_SECONDS = 20.0
TRIES = 4
FIRST_WAIT_SECONDS = 1.0

_Answer = TypeVar("_Answer", bound=ApiResponse)


class Api(Protocol):
    """Makes one call."""

    def call(
        self,
        action: str,
        parameters: dict[str, Any],
        answer: type[_Answer],
        *,
        timeout_seconds: float,
    ) -> _Answer:
        """
        Carry out *action*.

        Raises:
            BlocklistError: one of its subclasses, by what to do next.
        """


class Pacer(Protocol):
    """Spaces requests."""

    def wait(self, *, before: float) -> bool:
        """Wait for the next start."""


class SideBySide:
    """Several *apis*, of one call at a time each, as one that takes as many at once."""

    def __init__(self, apis: Iterable[Api]) -> None:
        self._free: SimpleQueue[Api] = SimpleQueue()
        for api in apis:
            self._free.put(api)

    def call(
        self,
        action: str,
        parameters: dict[str, Any],
        answer: type[_Answer],
        *,
        timeout_seconds: float,
    ) -> _Answer:
        """Carry out *action*, as one of them does, when one is free."""
        api = self._free.get()
        try:
            return api.call(action, parameters, answer, timeout_seconds=timeout_seconds)
        finally:
            self._free.put(api)


class _BouncedRow(msgspec.Struct):
    bounced_at: str = msgspec.field(name="BounceTime", default="")
    address: str = msgspec.field(name="EmailAddress", default="")
    text: str | None = msgspec.field(name="IspDesc", default=None)


class _BouncedPage(ApiResponse):
    rows: list[_BouncedRow] | None = msgspec.field(name="BlackList", default=None)
    total: int | None = msgspec.field(name="TotalCount", default=None)


class _BlockedRow(msgspec.Struct):
    id: int = msgspec.field(name="Id", default=0)
    address: str = msgspec.field(name="Email", default="")
    created_at: str = msgspec.field(name="CreateTime", default="")
    until: str | None = msgspec.field(name="ExpireDate", default=None)


class _BlockedPage(ApiResponse):
    rows: list[_BlockedRow] | None = msgspec.field(name="Data", default=None)
    total: int | None = msgspec.field(name="TotalCount", default=None)


class TencentLists:
    """
    Both lists of one *account*, at one pace, each call tried again where that can help.

    *account* is any text that is another for another account.
    """

    def __init__(
        self,
        api: Api,
        pacer: Pacer,
        *,
        account: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self._api = api
        self._pacer = pacer
        self._sleep = sleep
        self._at_the_pacer = Lock()

    def bounced(
        self, first: date, last: date, *, address: str | None = None
    ) -> Iterator[Sequence[Bounced]]:
        """
        Give the pages of Tencent's own list for the days from *first* to *last*, in Shanghai.

        An entry that arrives meanwhile moves the others on, so one may come twice.
        """
        offset = 0
        while True:
            page = self._call(
                "ListBlackEmailAddress",
                {
                    "StartDate": first.isoformat(),
                    "EndDate": last.isoformat(),
                    "Offset": offset,
                    "Limit": PAGE_ROWS,
                    **({"EmailAddress": address} if address else {}),
                },
                _BouncedPage,
            )
            rows = page.rows or []
            yield [Bounced(row.address, row.bounced_at, row.text or "") for row in rows]
            offset += len(rows)
            if not rows or (offset >= page.total if page.total else len(rows) < PAGE_ROWS):
                return

    def forget_bounces(self, addresses: Sequence[str]) -> Sequence[str]:
        """Take *addresses* off Tencent's own list; give those that Tencent refuses to take off."""
        try:
            self._try("DeleteBlackList", {"EmailAddressList": list(addresses)}, ApiResponse)
        except RefusedRequestError:
            if len(addresses) == 1:
                return addresses
            middle = len(addresses) // 2
            halves = (addresses[:middle], addresses[middle:])
            return [refused for half in halves for refused in self.forget_bounces(half)]
        except BlocklistError as error:
            raise explain(error, action="DeleteBlackList") from None
        return ()

    def check_may_block(self) -> None:
        """
        See whether the key may put people on the custom list, by putting nobody there.

        That nobody is named is what Tencent minds last: the key and its rights come before.

        Raises:
            CliError: it may not, or Tencent does not answer.
        """
        action = "CreateCustomBlacklist"
        try:
            self._once(action, {"Emails": []}, ApiResponse)  # somebody waits for it
        except RefusedRequestError:
            pass
        except BlocklistError as error:
            if not error.code.startswith("MissingParameter"):
                raise explain(error, action=action) from None

    def check_may_read_bounced(self) -> None:
        """
        See whether the key may read Tencent's own list.

        Raises:
            CliError: it may not, or Tencent does not answer.
        """
        today = day_in_shanghai(time.time()).isoformat()
        parameters = {"StartDate": today, "EndDate": today, "Offset": 0, "Limit": 1}
        self._call("ListBlackEmailAddress", parameters, ApiResponse)

    def check_may_read_blocked(self) -> None:
        """
        See whether the key may read the custom list.

        Raises:
            CliError: it may not, or Tencent does not answer.
        """
        self.is_blocked("nobody@example.com")

    def block(self, addresses: Sequence[str], *, until: date | None) -> None:
        """Put *addresses* on the custom list until a day, None for good."""
        expiry = {"ExpireDate": until.isoformat()} if until else {}
        parameters = {"Emails": list(addresses), **expiry}
        self._call("CreateCustomBlacklist", parameters, ApiResponse)

    def blocked(self, *, offset: int = 0, address: str | None = None) -> BlockedPage:
        """Give one page of whom the custom list blocks now, or only what it says of *address*."""
        parameters: dict[str, Any] = {"Offset": offset, "Limit": PAGE_ROWS, "Status": 1}
        if address:
            parameters["Email"] = address
        page = self._call("ListCustomBlacklist", parameters, _BlockedPage)
        rows = [
            Blocked(row.id, row.address, row.created_at, row.until or "")
            for row in page.rows or []
            if address in {None, row.address}
        ]
        return BlockedPage(rows, page.total)

    def is_blocked(self, address: str) -> bool:
        """Tell whether *address* is on the custom list now."""
        return bool(self.blocked(address=address).rows)

    def unblock(self, addresses: Sequence[str]) -> None:
        """Take *addresses* off the custom list."""
        self._call("DeleteCustomBlackList", {"Emails": list(addresses)}, ApiResponse)

    def _call(self, action: str, parameters: dict[str, Any], answer: type[_Answer]) -> _Answer:
        try:
            return self._try(action, parameters, answer)
        except BlocklistError as error:
            raise explain(error, action=action) from None

    def _try(self, action: str, parameters: dict[str, Any], answer: type[_Answer]) -> _Answer:
        wait_seconds = FIRST_WAIT_SECONDS
        for _ in range(TRIES - 1):
            try:
                return self._once(action, parameters, answer)
            except (RateLimitedError, UnavailableError):
                self._sleep(wait_seconds)
                wait_seconds *= 2
        return self._once(action, parameters, answer)

    def _once(self, action: str, parameters: dict[str, Any], answer: type[_Answer]) -> _Answer:
        with self._at_the_pacer:  # whoever calls side by side keeps one pace
            self._pacer.wait(before=float("inf"))
        return self._api.call(action, parameters, answer, timeout_seconds=TIMEOUT_SECONDS)
