"""Requests as bytes, for what the SDK does not show."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.tencent import TencentDouble
from local.tencent.messages import HttpRequest
from local.tencent.signature import sign
from tests.local.tencent.sdk import SECRET_ID, SECRET_KEY


def make_request(
    double: TencentDouble,
    body: bytes = b'{"Emails": ["a@example.com"]}',
    *,
    timestamp: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    """Make a well-signed CreateCustomBlacklist; *headers* are put in after signing."""
    timestamp = int(double.now()) if timestamp is None else timestamp
    signed = {"content-type": "application/json", "host": double.endpoint}
    signature = sign(
        HttpRequest("POST", "/", signed, body),
        secret_key=SECRET_KEY,
        service="ses",
        timestamp=timestamp,
    )
    date = f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}"
    common = {
        "authorization": f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{date}/ses/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}",
        "x-tc-action": "CreateCustomBlacklist",
        "x-tc-region": "ap-singapore",
        "x-tc-timestamp": str(timestamp),
        "x-tc-version": "2020-10-02",
    }
    return HttpRequest("POST", "/", {**signed, **common, **(headers or {})}, body)


def wire(request: HttpRequest, *, target: str = "/") -> bytes:
    """Write *request* as it goes over the connection."""
    headers = {**request.headers, "content-length": str(len(request.body))}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def connect(double: TencentDouble) -> socket.socket:
    """Open a connection to *double*."""
    return socket.create_connection(("127.0.0.1", double.port), timeout=10)


def post(double: TencentDouble, request: HttpRequest, *, target: str = "/") -> bytes:
    """Send *request* on a connection of its own and return everything that comes back."""
    closing = HttpRequest(
        request.method, request.path, {**request.headers, "connection": "close"}, request.body
    )
    with connect(double) as connection:
        connection.sendall(wire(closing, target=target))
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side ends the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def code_in(answer: bytes) -> str:
    """Return the code of the error in *answer*, or "ok"."""
    response = json.loads(answer.partition(b"\r\n\r\n")[2])["Response"]
    return str(response.get("Error", {"Code": "ok"})["Code"])


def ask(double: TencentDouble, action: str, **fields: object) -> dict[str, Any]:
    """Carry out *action* at the double's own time, which the SDK does not know."""
    request = make_request(double, json.dumps(fields).encode(), headers={"x-tc-action": action})
    answer = post(double, request)
    response: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])["Response"]
    return response


def code_of_asking(double: TencentDouble, action: str, **fields: object) -> str:
    """Carry out *action* and return the code of the error, or "ok"."""
    return str(ask(double, action, **fields).get("Error", {"Code": "ok"})["Code"])
