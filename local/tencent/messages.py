"""
HTTP and the API's envelope, as far as the double speaks them.

Errors come with HTTP 200 (https://www.tencentcloud.com/document/product/1084/39393).
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import BinaryIO

_MAX_LINE_BYTES = 65_536
_WORDS_IN_REQUEST_LINE = 3


class ApiError(Exception):
    """A refusal in Tencent's words: the code and message of `Response.Error`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request: the path without its query, header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def read_request(stream: BinaryIO) -> HttpRequest | None:
    """Read one request, or None when the client left or does not speak HTTP."""
    words = stream.readline(_MAX_LINE_BYTES).decode("latin-1").split()
    if len(words) != _WORDS_IN_REQUEST_LINE:
        return None
    try:
        headers = {name.lower(): value for name, value in parse_headers(stream).items()}
        length = int(headers.get("content-length", "0"))
    except (HTTPException, ValueError):
        return None
    body = stream.read(length)
    path = words[1].partition("?")[0]
    return HttpRequest(words[0], path, headers, body) if len(body) == length else None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; without a content type that header is left out."""

    body: bytes
    status: int = 200
    content_type: str | None = "application/json"
    location: str | None = None

    def head(self) -> bytes:
        """Everything before the body, the blank line included."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Length: {len(self.body)}",
        ]
        if self.content_type is not None:
            lines.append(f"Content-Type: {self.content_type}")
        if self.location is not None:
            lines.append(f"Location: {self.location}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def envelope(response: Mapping[str, object], *, request_id: bool = True) -> bytes:
    """Put *response* into the API's envelope, with a fresh RequestId unless told otherwise."""
    identified = {"RequestId": str(uuid.uuid4())} if request_id else {}
    return json.dumps({"Response": {**response, **identified}}).encode()


def failure(code: str, message: str) -> dict[str, object]:
    """Return the response that says what went wrong, for the envelope."""
    return {"Error": {"Code": code, "Message": message}}
