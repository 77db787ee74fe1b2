"""
Tencent Cloud SES: `CreateCustomBlacklist`.

Source: https://www.tencentcloud.com/document/product/1084/77211
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from functions.blocklist.adapters.tencent_api import ApiResponse, TencentApi, known_request_id
from functions.blocklist.services.ports import Answer, Counts


class _Created(ApiResponse):
    total: Any = msgspec.field(name="TotalCount", default=None)
    valid: Any = msgspec.field(name="ValidCount", default=None)
    repeated: Any = msgspec.field(name="RepeatCount", default=None)
    invalid: Any = msgspec.field(name="InvalidCount", default=None)
    too_long: Any = msgspec.field(name="TooLongCount", default=None)


class TencentBlocklist:
    """The account's custom blocklist, through *api*."""

    def __init__(self, api: TencentApi, *, max_recipients: int) -> None:
        self._api = api
        self._max_recipients = max_recipients

    @property
    def max_recipients(self) -> int:
        """How many recipients one request may hold."""
        return self._max_recipients

    def shrink(self, refused_size: int) -> None:
        """Halve what one request may hold, after one of *refused_size* recipients was too many."""
        self._max_recipients = max(1, min(self._max_recipients, refused_size // 2))

    def add(
        self, recipients: Sequence[str], *, until: date | None, timeout_seconds: float
    ) -> Answer:
        """
        Block *recipients* until a day, or for good. Blocking one twice is harmless.

        Returns or raises within *timeout_seconds*, whatever the other side does.

        Raises:
            BlocklistError: one of its subclasses, by what to do next.
        """
        parameters: dict[str, Any] = {"Emails": list(recipients)}
        if until:
            parameters["ExpireDate"] = until.isoformat()
        response = self._api.call(
            "CreateCustomBlacklist", parameters, _Created, timeout_seconds=timeout_seconds
        )
        return Answer(known_request_id(response.request_id) or "", _counts(response))


def _counts(response: _Created) -> Counts | None:
    """
    Give the counts, or None when there are none.

    One that is missing beside others is zero. An address may be counted as invalid and as too long;
    then fewer were refused than the two add up to.
    """
    counts = [
        count if isinstance(count, int) and count >= 0 else None
        for count in (
            response.valid,
            response.repeated,
            response.invalid,
            response.too_long,
            response.total,
        )
    ]
    if not any(count is not None for count in counts):
        return None
    valid, repeated, invalid, too_long, total = (count or 0 for count in counts)
    refused = min(invalid + too_long, max(invalid, too_long, total - valid - repeated))
    return Counts(valid, repeated, refused, total)
