"""
TC3-HMAC-SHA256, verified independently of the SDK that signs with it.

Only content type, host, body and time are signed; action, version, region and token are not.
The method: https://www.tencentcloud.com/document/product/1084/39394, the codes: .../39419.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from local.tencent.messages import ApiError, HttpRequest

MAX_CLOCK_SKEW_SECONDS = 300

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<secret_id>[^/ ]+)/(?P<scope>[^ ,]+), ?"
    r"SignedHeaders=content-type;host, ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one key pair the double knows; a token only with temporary keys."""

    secret_id: str
    secret_key: str
    token: str = ""


def sign(request: HttpRequest, *, secret_key: str, service: str, timestamp: int) -> str:
    """Compute the signature Tencent's page prescribes, in hexadecimal."""
    headers = {name: request.headers.get(name, "") for name in ("content-type", "host")}
    canonical_request = "\n".join(
        [
            request.method,
            request.path,
            "",
            *(f"{name}:{value}" for name, value in headers.items()),
            "",
            ";".join(headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    date, scope = _scope(service, timestamp)
    hashed_request = hashlib.sha256(canonical_request.encode()).hexdigest()
    string_to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashed_request}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request", string_to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def check_signature(request: HttpRequest, credentials: Credentials, *, now: float) -> None:
    """
    Accept the request only if its sender holds *credentials* and its clock is right.

    Raises:
        ApiError: One of the codes below `AuthFailure`.
    """
    parts = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    written_timestamp = request.headers.get("x-tc-timestamp", "")
    if parts is None or not re.fullmatch("[0-9]{1,11}", written_timestamp):
        raise ApiError("AuthFailure.InvalidAuthorization", "The Authorization header is invalid.")
    timestamp = int(written_timestamp)
    if parts["secret_id"] != credentials.secret_id:
        raise ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    if abs(now - timestamp) > MAX_CLOCK_SKEW_SECONDS:
        raise ApiError("AuthFailure.SignatureExpire", "The signature has expired.")
    expected = sign(request, secret_key=credentials.secret_key, service="ses", timestamp=timestamp)
    in_scope = parts["scope"] == _scope("ses", timestamp)[1]
    if not in_scope or not hmac.compare_digest(parts["signature"], expected):
        raise ApiError("AuthFailure.SignatureFailure", "The signature could not be validated.")
    if request.headers.get("x-tc-token", "") != credentials.token:
        raise ApiError("AuthFailure.TokenFailure", "The token is wrong.")


def _scope(service: str, timestamp: int) -> tuple[str, str]:
    date = f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}"
    return date, f"{date}/{service}/tc3_request"
