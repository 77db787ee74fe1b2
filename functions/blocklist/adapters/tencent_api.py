"""
Calls to Tencent Cloud SES through the official SDK, and what their errors mean.

Four traps of the SDK (tencentcloud-sdk-python-common 3.1.195) are met here:

* It takes an error whose content type is not exactly ``application/json`` for a success. So its own
  check is left out and the body is read here: an `Error` in it decides.
* Its retryer raises after a success that follows a failure. None is used: whoever calls retries.
* Its timeouts are for a connection and for each read; an answer that drips never ends. So a call
  runs in a thread of its own and is given up when its time is over.
* Its exceptions, its debug log and its warnings hold the vendor's message, and with it addresses.
  None of that leaves this module.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ses.v20201002.ses_client import SesClient

from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    RefusedRequestError,
    RequestTooLargeError,
    TooManyRecipientsError,
    UnavailableError,
)

CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
#: A connection that was idle for longer is not used again.
MAX_IDLE_SECONDS = 30.0

#: The first prefix that fits decides; a code that is none of them is taken for passing weather.
#: Sources: the API page's own codes, and https://cloud.tencent.com/document/api/1288/51060
_KINDS: Sequence[tuple[str, type[BlocklistError]]] = (
    ("RequestLimitExceeded", RateLimitedError),
    ("LimitExceeded.ReceiverDetailRequestLimit", TooManyRecipientsError),
    ("LimitExceeded", ConfigurationError),
    ("RequestSizeLimitExceeded", RequestTooLargeError),
    ("AuthFailure", ConfigurationError),
    ("UnauthorizedOperation", ConfigurationError),
    ("UnsupportedRegion", ConfigurationError),
    ("NoSuchVersion", ConfigurationError),
    ("InvalidAction", ConfigurationError),
    ("InvalidParameterValue.WrongDate", ConfigurationError),
    ("MissingParameter", ConfigurationError),
    ("UnknownParameter", ConfigurationError),
    ("InvalidRequest", ConfigurationError),
    ("IpInBlacklist", ConfigurationError),
    ("IpNotInWhitelist", ConfigurationError),
    ("InvalidCredential", ConfigurationError),
    ("InvalidParameter", RefusedRequestError),
)

#: What a code and a request id look like; anything else that claims to be one is not repeated.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MAX_CODE_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Tencent Cloud API key."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)


def parse_credentials(text: str) -> Credentials:
    """
    Read the JSON object with `secret_id` and `secret_key` that an SSM parameter holds.

    Raises:
        ConfigurationError: it is something else. Nothing of it is in the error.
    """
    try:
        return msgspec.json.decode(text, type=Credentials)
    except msgspec.MsgspecError:
        raise ConfigurationError("UnreadableCredentials") from None


class _Error(msgspec.Struct):
    code: Any = msgspec.field(name="Code", default=None)


class ApiResponse(msgspec.Struct):
    """What every answer may hold. Each action's own answer adds its fields."""

    request_id: Any = msgspec.field(name="RequestId", default=None)
    error: _Error | None = msgspec.field(name="Error", default=None)


class _Envelope(msgspec.Struct):
    response: dict[str, Any] = msgspec.field(name="Response")


_Answer = TypeVar("_Answer", bound=ApiResponse)


class TencentApi:
    """
    The API, action by action.

    *credentials* is asked once, and again after Tencent refused them, so that a rotated key is
    found. One client, and with it one connection, serves this object's life, as long as it is in
    use: what was idle may have died while the sandbox was frozen, without a sign until a whole
    timeout is over. *clock* is the wall clock, since the other may stand still meanwhile.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        credentials: Callable[[], Credentials],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._used_at = clock()
        self._credential: Credential | None = None
        self._caller: _Caller | None = None

    def call(
        self,
        action: str,
        parameters: dict[str, Any],
        answer: type[_Answer],
        *,
        timeout_seconds: float,
    ) -> _Answer:
        """
        Carry out *action* and give its response as an *answer*.

        Returns or raises within *timeout_seconds*, whatever the other side does.

        Raises:
            BlocklistError: one of its subclasses, by what to do next.
        """
        body = self._call(action, parameters, timeout_seconds)
        try:
            response = _read(body, answer)
        except msgspec.ValidationError:
            raise UnavailableError("UnreadableAnswer") from None
        if response.error:
            raise self._error(response.error.code, response.request_id)
        if not response.request_id:
            raise UnavailableError("AnswerWithoutRequestId")
        return response

    def _call(self, action: str, parameters: dict[str, Any], timeout_seconds: float) -> object:
        end = time.monotonic() + timeout_seconds
        if abs(self._clock() - self._used_at) > MAX_IDLE_SECONDS:
            self._caller = None
        if self._caller is None:
            self._caller = _Caller(self._build_client())
        try:
            return self._caller.call(action, parameters, end - time.monotonic())
        except TimeoutError:
            self._caller = None  # its thread still waits for the rest of the answer
            raise UnavailableError("NoAnswerInTime") from None
        except TencentCloudSDKException as error:
            raise self._sdk_error(error) from None
        except (OSError, ValueError, RecursionError) as error:  # the connection, or the JSON
            raise UnavailableError(type(error).__name__) from None
        finally:
            self._used_at = self._clock()

    def _sdk_error(self, error: TencentCloudSDKException) -> BlocklistError:
        """Sort an error of the SDK. With any status but 200 its message is the body."""
        if error.code == "ServerNetworkError":
            try:
                response = _read(msgspec.json.decode(error.message), ApiResponse)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # a proxy's page, most likely
            else:
                if response.error:
                    return self._error(response.error.code, response.request_id)
        return self._error(error.code, error.requestId)

    def _error(self, code: object, request_id: object) -> BlocklistError:
        known = _known_code(code)
        if known.startswith("AuthFailure"):
            self._credential = self._caller = None  # the key may have been rotated
        kind = next((kind for prefix, kind in _KINDS if known.startswith(prefix)), UnavailableError)
        return kind(known, request_id=known_request_id(request_id))

    def _build_client(self) -> "_Client":
        url = urlsplit(self._endpoint)
        profile = ClientProfile(
            language="en-US",
            httpProfile=HttpProfile(
                protocol=url.scheme,
                endpoint=url.netloc,
                reqTimeout=(CONNECT_SECONDS, READ_SECONDS),
            ),
        )
        self._credential = self._credential or self._read_credential()
        logging.getLogger("tencentcloud_sdk_common").setLevel(logging.INFO)
        return _Client(self._credential, self._region, profile)

    def _read_credential(self) -> Credential:
        credentials = self._credentials()
        try:
            return Credential(credentials.secret_id.strip(), credentials.secret_key.strip())
        except TencentCloudSDKException as error:
            raise self._error(error.code, None) from None


class _Client(SesClient):  # type: ignore[misc]  # the SDK has no types
    def _check_error(self, resp: object) -> None:
        """Leave the body to us: see the first trap. The fourth is in here as well."""


class _Caller:
    """A client and the thread that its calls run in."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tencent")

    def call(self, action: str, parameters: dict[str, Any], timeout_seconds: float) -> object:
        """
        Call and wait for the whole answer.

        Raises:
            TimeoutError: it did not come in time. This object is of no further use.
        """
        answer = self._thread.submit(self._client.call_json, action, parameters)
        try:
            return answer.result(timeout_seconds)
        except TimeoutError:
            self._thread.shutdown(wait=False)
            raise


def _read(body: object, answer: type[_Answer]) -> _Answer:
    return msgspec.convert(msgspec.convert(body, _Envelope).response, answer)


def _known_code(code: object) -> str:
    if isinstance(code, str) and len(code) <= _MAX_CODE_CHARACTERS and _CODE.fullmatch(code):
        return code
    return "Unrecognised"


def known_request_id(request_id: object) -> str | None:
    """Give *request_id* if it looks like one; anything else is not repeated."""
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        return request_id
    return None
