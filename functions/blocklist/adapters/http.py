"""
Requests and answers as Lambda's HTTP front doors carry them.

Function URLs and HTTP APIs (payload 2.0) name method and path in one way, load balancers and
payload 1.0 in another; nothing else of the door is used.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from functions.blocklist.services.receive_callback import Request

CALLBACK_PATH = "/callbacks/"


def parse_request(event: Mapping[str, Any]) -> Request:
    """
    Take a front door's event apart.

    Raises:
        ValueError: the event is not from an HTTP front door; its text holds nothing of the event.
    """
    http = (event.get("requestContext") or {}).get("http") or {}
    method = http.get("method") or event.get("httpMethod")
    path = event.get("rawPath") or event.get("path")
    if not isinstance(method, str) or not isinstance(path, str):
        raise ValueError("not an event of a function URL, an HTTP API or a load balancer")  # noqa: TRY004
    return Request(method=method.upper(), token=_token(path), body=_body(event))


def answer(status: int, facts: Mapping[str, int]) -> dict[str, Any]:
    """Give the answer in the form that every front door takes."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(facts),
        "isBase64Encoded": False,
    }


def _token(path: str) -> bytes | None:
    _, found, token = path.partition(CALLBACK_PATH)
    if not found or not path.startswith(CALLBACK_PATH) or not token or "/" in token:
        return None
    return unquote_to_bytes(token.encode(errors="surrogatepass"))


def _body(event: Mapping[str, Any]) -> bytes:
    """Give the body's bytes. What claims to be base64 and is not stays as it is: junk is kept."""
    body = str(event.get("body") or "").encode(errors="surrogatepass")
    if not event.get("isBase64Encoded"):
        return body
    try:
        return b64decode(body, validate=True)
    except binascii.Error:
        return body
