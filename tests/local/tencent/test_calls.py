"""What every call is checked for, whatever it asks for."""

import pytest

from local.tencent import TencentDouble
from tests.local.tencent.raw import code_in, make_request, post
from tests.local.tencent.sdk import code_of, make_client


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"x-tc-version": "2020-10-03"}, "NoSuchVersion"),
        ({"x-tc-version": ""}, "NoSuchVersion"),
        ({"x-tc-region": "ap-guangzhou"}, "UnsupportedRegion"),
        ({"x-tc-action": "CreateCustomBlackList"}, "InvalidAction"),
        ({"x-tc-action": "UpdateCustomBlacklist"}, "InvalidAction"),
        ({"x-tc-action": "SendEmail"}, "InvalidAction"),
        ({"x-tc-action": ""}, "InvalidAction"),
    ],
)
def test_unsigned_headers_are_checked(
    double: TencentDouble, header: dict[str, str], code: str
) -> None:
    """Letter case included: it is not the same in all the actions' names."""
    assert code_in(post(double, make_request(double, headers=header))) == code
    assert double.requests[0].outcome == code


def test_region_is_a_setting(double: TencentDouble) -> None:
    """The China site has ap-guangzhou and ap-hongkong instead of ap-singapore."""
    double.region = "ap-hongkong"

    assert code_of(make_client(double)) == "UnsupportedRegion"
    elsewhere = make_client(double, region="ap-hongkong")
    assert code_of(elsewhere, Emails=[]) == "MissingParameter.EmailsNecessary"


@pytest.mark.parametrize("size", [10 * 1024 * 1024, 10 * 1024 * 1024 + 1])
def test_body_is_limited_to_10_mb(double: TencentDouble, size: int) -> None:
    body = b'{"Emails": ["a@example.com"]' + b" " * (size - 29) + b"}"

    code = code_in(post(double, make_request(double, body)))

    assert code == ("ok" if size == 10 * 1024 * 1024 else "RequestSizeLimitExceeded")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null"])
def test_body_must_be_a_json_object(double: TencentDouble, body: bytes) -> None:
    assert code_in(post(double, make_request(double, body))) == "InvalidRequest"


def test_records_keep_what_was_asked_for(double: TencentDouble) -> None:
    """Refused or not, well-formed or not."""
    post(double, make_request(double, b'{"Emails": ["a@example.com", 7], "ExpireDate": 2030}'))
    post(
        double,
        make_request(
            double,
            b'{"EmailAddressList": ["b@example.com"]}',
            headers={"x-tc-action": "DeleteBlackList"},
        ),
    )

    first, second = double.requests
    assert (first.action, first.emails) == ("CreateCustomBlacklist", ("a@example.com", "7"))
    assert (first.expire_date, first.outcome) == ("2030", "InvalidParameter")
    assert (second.action, second.emails) == ("DeleteBlackList", ("b@example.com",))
    assert (second.expire_date, second.outcome) == (None, "ok")
