"""The signature is checked as Tencent's page says, not as the SDK happens to compute it."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tencentcloud.common.credential import Credential

from local.tencent import TencentDouble
from local.tencent.messages import HttpRequest
from local.tencent.signature import sign
from tests.local.tencent.raw import code_in, make_request, post
from tests.local.tencent.sdk import (
    SECRET_ID,
    SECRET_KEY,
    block,
    code_of,
    make_client,
)

NOON = 1_795_435_200


@pytest.fixture
def noon_double() -> Iterator[TencentDouble]:
    """Lives at one moment, 2026-11-23 12:00:00 UTC."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY, now=lambda: NOON) as double:
        yield double


def test_published_example_is_reproduced() -> None:
    """https://www.tencentcloud.com/document/product/1084/39394, the page on signature v3."""
    request = HttpRequest(
        method="POST",
        path="/",
        headers={
            "content-type": "application/json; charset=utf-8",
            "host": "cvm.tencentcloudapi.com",
        },
        body=rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], '
        rb'"Name": "instance-name"}]}',
    )

    signature = sign(
        request,
        secret_key="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        timestamp=1551113065,
    )

    assert signature == "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


def test_sdk_signs_the_same_way(double: TencentDouble) -> None:
    """Letters beyond ASCII included, which the SDK escapes before it signs."""
    block(make_client(double), "jos\u00e9@example.com", "\u672a@example.com")

    assert list(double.blocked) == ["jos\u00e9@example.com", "\u672a@example.com"]


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (Credential("AKIDOTHER", SECRET_KEY), "AuthFailure.SecretIdNotFound"),
        (Credential(SECRET_ID, "other"), "AuthFailure.SignatureFailure"),
        (Credential(SECRET_ID, SECRET_KEY, "unexpected"), "AuthFailure.TokenFailure"),
    ],
)
def test_wrong_credentials_are_told_apart(
    double: TencentDouble, credential: Credential, code: str
) -> None:
    assert code_of(make_client(double, credential)) == code
    assert double.requests[0].outcome == code
    assert double.blocked == {}


def test_temporary_key_needs_its_token(double: TencentDouble) -> None:
    double.token = "token"

    assert code_of(make_client(double)) == "AuthFailure.TokenFailure"
    temporary = Credential(SECRET_ID, SECRET_KEY, "token")
    assert block(make_client(double, temporary), "a@example.com").ValidCount == 1


@pytest.mark.parametrize(
    ("skew_seconds", "code"),
    [
        (-301, "AuthFailure.SignatureExpire"),
        (-300, "ok"),
        (300, "ok"),
        (301, "AuthFailure.SignatureExpire"),
    ],
)
def test_clocks_may_differ_by_five_minutes(
    noon_double: TencentDouble, skew_seconds: int, code: str
) -> None:
    request = make_request(noon_double, timestamp=NOON + skew_seconds)

    assert code_in(post(noon_double, request)) == code


@pytest.mark.parametrize(
    "header",
    [
        {"content-type": "application/json; charset=utf-8"},
        {"host": "127.0.0.1"},
        {"x-tc-timestamp": str(NOON + 1)},
    ],
)
def test_what_is_signed_cannot_be_changed(
    noon_double: TencentDouble, header: dict[str, str]
) -> None:
    """The host with its port."""
    request = make_request(noon_double, headers=header)

    assert code_in(post(noon_double, request)) == "AuthFailure.SignatureFailure"


def test_body_is_signed(noon_double: TencentDouble) -> None:
    request = replace(make_request(noon_double), body=b'{"Emails": ["b@example.com"]}')

    assert code_in(post(noon_double, request)) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize("scope", ["2026-11-22/ses/tc3_request", "2026-11-23/sms/tc3_request"])
def test_scope_is_the_day_in_utc_and_the_service(noon_double: TencentDouble, scope: str) -> None:
    request = make_request(noon_double)
    authorization = re.sub("[^/]*/ses/tc3_request", scope, request.headers["authorization"])

    answer = post(noon_double, make_request(noon_double, headers={"authorization": authorization}))

    assert code_in(answer) == "AuthFailure.SignatureFailure"


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine into Tencent's time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC-8")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("shanghai")
def test_day_is_that_of_the_timestamp_in_utc() -> None:
    """Whatever day it is where the server stands, or by the server's clock."""
    midnight = NOON + 12 * 3600
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY, now=lambda: midnight) as double:
        answer = post(double, make_request(double, timestamp=midnight - 1))

    assert code_in(answer) == "ok"


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": "Bearer token"},
        {"authorization": ""},
        {"x-tc-timestamp": "now"},
        {"x-tc-timestamp": ""},
    ],
)
def test_malformed_authorization_is_told_apart(
    noon_double: TencentDouble, header: dict[str, str]
) -> None:
    request = make_request(noon_double, headers=header)

    assert code_in(post(noon_double, request)) == "AuthFailure.InvalidAuthorization"


def test_query_is_cut_off_before_verifying(noon_double: TencentDouble) -> None:
    """The SDK's asynchronous client posts to `/?` and signs `/`."""
    assert code_in(post(noon_double, make_request(noon_double), target="/?")) == "ok"
