"""
Tencent's custom blocklist, seen from the SDK's `call_json`.

What an address is like stands in its name: `good` ones are taken, `bad` ones counted as refused,
`poison` ones refuse the whole request. The counts of refused addresses are never a lie that could
be true: nobody could see through that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from typing import Any

from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from tests.model.clock import SandboxClock
from tests.model.events import FOR_GOOD, day_of

CREATE, DELETE = "CreateCustomBlacklist", "DeleteCustomBlackList"
REQUESTS_PER_SECOND = 20
CALL_SECONDS = 0.05


class ApiFault(Enum):
    """How one request can go wrong: an error's code, or a sentence."""

    NONE = ""
    THROTTLED = "RequestLimitExceeded"
    INTERNAL = "InternalError.Unknown"
    AWAY = "FailedOperation.ServiceNotAvailable"
    MISCONFIGURED = "AuthFailure.SecretIdNotFound"
    FULL = "LimitExceeded.Other"
    NEW = "NobodyKnowsThis.Code"
    TAKEN_AND_INTERNAL = "taken, and an error said"
    NO_CONNECTION = "no connection"
    BROKEN_AFTER = "taken, and the connection broke"
    BROKEN_HALFWAY = "half taken, and the connection broke"
    SILENT = "no answer in time"
    SILENT_AFTER = "taken, and no answer in time"
    SLOW = "taken, and an answer at the last moment"
    NO_COUNTS = "taken, without counts"
    WRONG_TOTAL = "the total is wrong"
    NO_TOTAL = "the total is missing"
    WRONG_VALID = "the valid ones are too few"
    IMPOSSIBLE = "more refused than sent"
    NOT_JSON = "a proxy's page"
    OTHER_JSON = "some other JSON"
    NO_REQUEST_ID = "an empty response"


class Wish(Enum):
    """What a request asks for."""

    FOR_GOOD = auto()
    TERM = auto()
    REMOVAL = auto()
    RENEWAL = auto()  # of what was taken off before, for good or not


_ERRORS = frozenset(
    {
        ApiFault.THROTTLED,
        ApiFault.INTERNAL,
        ApiFault.AWAY,
        ApiFault.MISCONFIGURED,
        ApiFault.FULL,
        ApiFault.NEW,
    }
)


#: It was done, at least in part, and nobody is told.
UNTOLD = frozenset(
    {
        ApiFault.TAKEN_AND_INTERNAL,
        ApiFault.BROKEN_AFTER,
        ApiFault.BROKEN_HALFWAY,
        ApiFault.SILENT_AFTER,
    }
)
#: Nothing was done, and what comes back is no answer of Tencent's.
_UNDONE = frozenset(
    {
        ApiFault.SILENT,
        ApiFault.NO_CONNECTION,
        ApiFault.NOT_JSON,
        ApiFault.OTHER_JSON,
        ApiFault.NO_REQUEST_ID,
    }
)


def is_bad(address: str) -> bool:
    return address.startswith("bad")


def is_poison(address: str) -> bool:
    return address.startswith("poison")


@dataclass
class Tencent:
    """
    The blocklist, by address until when, and what it said about whom.

    *moves_days* tells what blocking does to an entry that is there, which nobody documents.
    *refused_alone* holds who was refused in a request of its own; *swallowed* are bad addresses in
    a request that was answered without counts.
    """

    refuses_only_bad: bool = False
    moves_days: bool = False
    max_recipients: int = 8
    max_size: int = 8
    settings_wrong: bool = False
    entries: dict[str, date] = field(default_factory=dict)
    refused_alone: set[str] = field(default_factory=set)
    swallowed: set[str] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)

    @property
    def blocked(self) -> set[str]:
        return set(self.entries)

    def call(
        self,
        action: str,
        parameters: Mapping[str, Any],
        clock: SandboxClock,
        timeout_seconds: float,
        fault: ApiFault,
    ) -> object:
        emails: Sequence[str] = parameters["Emails"]
        self.starts.append(clock.now)
        is_busy = sum(clock.now - 1 < start for start in self.starts) > REQUESTS_PER_SECOND
        slow = fault in {ApiFault.SILENT, ApiFault.SILENT_AFTER, ApiFault.SLOW}
        half = (timeout_seconds if slow else min(CALL_SECONDS, timeout_seconds)) / 2
        clock.sleep(half)
        code = ApiFault.THROTTLED.value if is_busy else self._code(action, emails, fault)
        if code or fault in _UNDONE:
            clock.sleep(half)
            if fault in _UNDONE:
                return _undone(fault, emails)
            if code.startswith("InvalidParameter") and len(emails) == 1:
                self.refused_alone.update(emails)
            return _error(code, emails)
        reached = emails[: len(emails) // 2] if fault is ApiFault.BROKEN_HALFWAY else emails
        counts: Mapping[str, int] = {}
        if action == DELETE:
            for address in reached:
                self.entries.pop(address, None)
        else:
            until = date.fromisoformat(parameters.get("ExpireDate", FOR_GOOD.isoformat()))
            assert until > day_of(clock.now)
            counts = self._add(reached, until, fault)
        clock.sleep(half)
        clock.point()
        return self._answer(emails, counts, fault)

    def _code(self, action: str, emails: Sequence[str], fault: ApiFault) -> str:
        """Give the code of the error that meets the request before anything is done."""
        if fault in _ERRORS:
            return fault.value
        if len(emails) > self.max_recipients:
            return "LimitExceeded.ReceiverDetailRequestLimit"
        if len(emails) > self.max_size:
            return "RequestSizeLimitExceeded"
        only_bad = self.refuses_only_bad and all(map(is_bad, emails))
        if self.settings_wrong or (action != DELETE and (only_bad or any(map(is_poison, emails)))):
            return "InvalidParameterValue.Something"
        return ""

    def _add(self, emails: Sequence[str], until: date, fault: ApiFault) -> Mapping[str, int]:
        good = [address for address in emails if not is_bad(address)]
        repeated = [address for address in good if address in self.entries]
        kept = {} if self.moves_days else {address: self.entries[address] for address in repeated}
        self.entries.update(dict.fromkeys(good, until) | kept)
        if fault is ApiFault.NO_COUNTS:
            self.swallowed.update(filter(is_bad, emails))
            return {}
        return _counts(emails, len(repeated), fault)

    def _answer(self, emails: Sequence[str], counts: Mapping[str, int], fault: ApiFault) -> object:
        if fault in {ApiFault.BROKEN_AFTER, ApiFault.BROKEN_HALFWAY}:
            raise TencentCloudSDKException("ClientNetworkError", f"reset: {emails}")
        if fault is ApiFault.SILENT_AFTER:
            raise TimeoutError(emails)
        if fault is ApiFault.TAKEN_AND_INTERNAL:
            return _error("InternalError", emails)
        return {"Response": {"RequestId": f"request-{len(self.starts)}", **counts}}


def _undone(fault: ApiFault, emails: Sequence[str]) -> object:
    """Answer a request that had no effect by what is no error of Tencent's."""
    if fault is ApiFault.SILENT:
        raise TimeoutError(emails)
    if fault is ApiFault.NO_CONNECTION:
        raise TencentCloudSDKException("ClientNetworkError", f"reset: {emails}")
    if fault is ApiFault.NOT_JSON:
        raise TencentCloudSDKException("ServerNetworkError", f"<html>{emails}".encode())
    return ["hello"] if fault is ApiFault.OTHER_JSON else {"Response": {}}


def _counts(emails: Sequence[str], repeated: int, fault: ApiFault) -> dict[str, int]:
    """Count as the API does; one address may be both invalid and too long."""
    bad = [address for address in emails if is_bad(address)]
    invalid = sum(not address.startswith("bad-long") for address in bad)
    too_long = sum(address.startswith(("bad-long", "bad-both")) for address in bad)
    counts = {
        "TotalCount": len(emails),
        "ValidCount": len(emails) - len(bad) - repeated,
        "RepeatCount": repeated,
        "InvalidCount": invalid,
        "TooLongCount": too_long,
    }
    if fault is ApiFault.IMPOSSIBLE and len(emails) > 1:
        counts["InvalidCount"] += len(emails) + 5
        counts["TotalCount"] += len(emails) + 5
    elif too_long:
        pass  # with a wrong total nobody could tell one that is both from two
    elif fault is ApiFault.WRONG_TOTAL:
        counts["TotalCount"] += 3
    elif fault is ApiFault.NO_TOTAL:
        del counts["TotalCount"]
    elif fault is ApiFault.WRONG_VALID:
        counts["ValidCount"] = max(0, counts["ValidCount"] - 1)
    return counts


def _error(code: str, emails: Sequence[str]) -> dict[str, Any]:
    """Say what is wrong and, as Tencent may, about whom."""
    error = {"Code": code, "Message": f"not with {emails}"}
    return {"Response": {"Error": error, "RequestId": f"none, with {emails}"}}
