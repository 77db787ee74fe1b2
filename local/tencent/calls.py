"""
An API call out of an HTTP request, and what every call is checked for whatever its action.

The common parameters: https://www.tencentcloud.com/document/product/1084/39391, the common codes:
.../39419. In which order they are checked is not documented; here the size comes first.
"""

import json
from dataclasses import dataclass
from typing import Self

from local.tencent.actions import ACTIONS
from local.tencent.messages import ApiError, HttpRequest
from local.tencent.signature import Credentials, check_signature

API_VERSION = "2020-10-02"
MAX_BODY_BYTES = 10 * 1024 * 1024

Emails = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for; *params* is the body's JSON, or None where it is not JSON."""

    action: str
    params: object
    emails: Emails
    expire_date: str | None

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        """Take what can be understood, from any request."""
        try:
            params = json.loads(request.body)
        except ValueError:
            params = None
        named = params if isinstance(params, dict) else {}
        emails = named.get("Emails") or named.get("EmailAddressList")
        expire_date = named.get("ExpireDate")
        return cls(
            action=request.headers.get("x-tc-action", ""),
            params=params,
            emails=tuple(map(str, emails)) if isinstance(emails, list) else (),
            expire_date=None if expire_date is None else str(expire_date),
        )


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was taken: its *outcome* is "ok", an error code or the name of a fault."""

    started_at: float
    action: str
    emails: Emails
    expire_date: str | None
    outcome: str
    connection: int


def check_call(request: HttpRequest, credentials: Credentials, *, region: str, now: float) -> None:
    """
    Let only those pass who may ask, and ask for something there is, in the right place.

    Raises:
        ApiError: Which of these is not so.
    """
    if len(request.body) > MAX_BODY_BYTES:
        raise ApiError("RequestSizeLimitExceeded", "The request is larger than 10 MB.")
    check_signature(request, credentials, now=now)
    if request.headers.get("x-tc-version") != API_VERSION:
        raise ApiError("NoSuchVersion", "The API version does not exist.")
    if request.headers.get("x-tc-action") not in ACTIONS:
        raise ApiError("InvalidAction", "The action does not exist.")
    if request.headers.get("x-tc-region") != region:
        raise ApiError("UnsupportedRegion", "The action does not support this region.")
