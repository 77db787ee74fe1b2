"""What the real SDK makes of every failure: the reference for whoever writes the adapter."""

import logging
import math
import re
import sys
import warnings
from collections.abc import Callable

import pytest
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.retry import StandardRetryer
from tencentcloud.ses.v20201002.ses_client import SesClient

from local.tencent import TencentDouble, faults
from local.tencent.faults import Fault
from tests.local.tencent.sdk import (
    SECRET_KEY,
    block,
    call,
    code_of,
    counts_of,
    error_of,
    make_client,
)

CHARSET = "application/json; charset=utf-8"
NO_COUNTS = dict.fromkeys(("Total", "Valid", "TooLong", "Repeat", "Invalid"))

#: A request's id is random, and may hold any three digits.
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "code",
    [
        "RequestLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.IPLimitExceeded",
        "InternalError",
        "FailedOperation.ServiceNotAvailable",
        "ResourceUnavailable",
        "AuthFailure.UnauthorizedOperation",
        "InvalidParameterValue.WrongDate",
        "LimitExceeded.ReceiverDetailRequestLimit",
        "RequestSizeLimitExceeded",
        "SomethingNew.NobodyKnows",
    ],
)
def test_error_arrives_with_its_code_and_request_id(
    double: TencentDouble, client: SesClient, code: str
) -> None:
    double.misbehave(faults.error(code))

    error = error_of(client)

    assert error.get_code() == code
    assert len(error.get_request_id()) == 36
    assert double.requests[0].outcome == code
    assert double.blocked == {}


def test_error_messages_give_away_the_address_and_the_secret(
    double: TencentDouble, client: SesClient
) -> None:
    """Tests look for both in the logs, and must be able to find them."""
    double.misbehave(faults.error("InternalError"))

    message = error_of(client, Emails=["a@example.com"]).get_message()

    assert "a@example.com" in message
    assert SECRET_KEY in message


@pytest.mark.parametrize("content_type", [CHARSET, None, "application/JSON", "text/html"])
def test_error_of_another_content_type_looks_like_success(
    double: TencentDouble, client: SesClient, content_type: str | None
) -> None:
    """Trap A: no exception, a RequestId, no counts - as in the page's first success."""
    double.misbehave(faults.error("AuthFailure.SignatureFailure", content_type=content_type))

    response = block(client, "a@example.com")

    assert counts_of(response) == NO_COUNTS
    assert len(response.RequestId) == 36


def test_error_in_plain_text_is_noticed(double: TencentDouble, client: SesClient) -> None:
    """The one content type beside `application/json` that the SDK looks into."""
    double.misbehave(faults.error("InternalError", content_type="text/plain"))

    assert code_of(client) == "InternalError"


def test_json_of_another_content_type_still_holds_the_error(
    double: TencentDouble, client: SesClient
) -> None:
    """The defence against trap A: `call_json` hands over what was said."""
    double.misbehave(faults.error("InternalError", content_type=CHARSET))

    answer = client.call_json("CreateCustomBlacklist", {"Emails": ["a@example.com"]})

    assert answer["Response"]["Error"]["Code"] == "InternalError"


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (faults.EMPTY_OBJECT, "KeyError"),
        (faults.raw("null"), "TypeError"),
        (faults.html(), "JSONDecodeError"),
        (faults.EMPTY_BODY, "JSONDecodeError"),
        (faults.CUT_MID_BODY, "ChunkedEncodingError"),
        (faults.drip_body(60), "ConnectionError"),
        (faults.RESET, "TencentCloudSDKException"),
        (faults.html(503), "TencentCloudSDKException"),
    ],
)
def test_json_call_lets_foreign_exceptions_through(
    double: TencentDouble, fault: Fault, name: str
) -> None:
    """The price of that defence: only the methods named after actions wrap everything."""
    client = make_client(double, reqTimeout=0.5)
    double.misbehave(fault)

    with pytest.raises(Exception) as failure:  # noqa: PT011 - its class is what the test is about
        client.call_json("CreateCustomBlacklist", {"Emails": ["a@example.com"]})

    assert type(failure.value).__name__ == name


def test_error_without_request_id_hides_its_code(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.error("InternalError", request_id=False))

    error = error_of(client)

    assert error.get_code() == "KeyError"
    assert error.get_request_id() is None


def test_empty_object_is_a_key_error(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.EMPTY_OBJECT)

    assert code_of(client) == "KeyError"


def test_empty_response_looks_like_success(double: TencentDouble, client: SesClient) -> None:
    """Nothing was said, not even a RequestId, and nobody is told."""
    double.misbehave(faults.EMPTY_RESPONSE)

    response = block(client, "a@example.com")

    assert counts_of(response) == NO_COUNTS
    assert response.RequestId is None


@pytest.mark.parametrize("body", ["null", "[]", '"busy"', "7", '{"Response": null}'])
def test_other_json_is_a_type_error(double: TencentDouble, client: SesClient, body: str) -> None:
    double.misbehave(faults.raw(body))

    assert code_of(client) == "TypeError"


def test_counts_may_be_missing_from_success(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.NO_COUNTS)

    response = block(client, "a@example.com")

    assert counts_of(response) == NO_COUNTS
    assert len(response.RequestId) == 36
    assert "a@example.com" in double.blocked


def test_counts_are_not_checked(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.WRONG_COUNTS)
    double.misbehave(faults.fields("negative", ValidCount=-1, RepeatCount="2"))

    first, second = block(client, "a@example.com"), block(client, "a@example.com")

    assert (first.TotalCount, first.ValidCount) == (999_999, 1)
    assert (second.ValidCount, second.RepeatCount) == (-1, "2")


def test_unknown_fields_are_ignored(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.EXTRA_FIELDS)

    assert block(client, "a@example.com").ValidCount == 1


def test_deprecated_action_still_works(double: TencentDouble, client: SesClient) -> None:
    """The SDK warns, having first turned every warning filter of the process to "default"."""
    double.misbehave(faults.DEPRECATED)

    with pytest.warns(DeprecationWarning, match="will be removed"):
        response = block(client, "a@example.com")

    assert response.ValidCount == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("make_fault", [faults.html, lambda s: faults.error("Busy", status=s)])
def test_other_status_loses_status_and_request_id(
    double: TencentDouble, client: SesClient, status: int, make_fault: Callable[[int], Fault]
) -> None:
    """The message is the body, as bytes, address and all."""
    double.misbehave(make_fault(status))

    error = error_of(client)

    assert error.get_code() == "ServerNetworkError"
    assert error.get_request_id() is None
    assert b"a@example.com" in error.get_message()
    assert str(status) not in ID.sub("", str(error))


@pytest.mark.parametrize("fault", [faults.html(), faults.BAD_JSON, faults.EMPTY_BODY])
def test_what_is_not_json_is_a_decode_error(
    double: TencentDouble, client: SesClient, fault: Fault
) -> None:
    double.misbehave(fault)

    assert code_of(client) == "JSONDecodeError"


@pytest.mark.parametrize(
    ("fault", "blocked"), [(faults.RESET, set()), (faults.RESET_AFTER_EFFECT, {"a@example.com"})]
)
def test_reset_does_not_tell_whether_the_call_took_effect(
    double: TencentDouble, client: SesClient, fault: Fault, blocked: set[str]
) -> None:
    double.misbehave(fault)

    error = error_of(client)

    assert error.get_code() == "ClientNetworkError"
    assert "reset by peer" in error.get_message()
    assert set(double.blocked) == blocked


def test_next_call_after_a_reset_opens_a_new_connection(
    double: TencentDouble, client: SesClient
) -> None:
    block(client, "a@example.com")
    double.misbehave(faults.RESET)
    code_of(client)

    assert block(client, "b@example.com").ValidCount == 1
    assert [request.connection for request in double.requests] == [1, 1, 2]


def test_cut_in_mid_body_has_a_code_of_its_own(double: TencentDouble, client: SesClient) -> None:
    """Not ClientNetworkError, and not among those the SDK's retryer knows; yet it took effect."""
    double.misbehave(faults.CUT_MID_BODY)

    assert code_of(client) == "ChunkedEncodingError"
    assert "a@example.com" in double.blocked


def test_no_answer_is_a_network_error(double: TencentDouble, hasty_client: SesClient) -> None:
    double.misbehave(faults.hang())

    error = error_of(hasty_client)

    assert error.get_code() == "ClientNetworkError"
    assert "Read timed out" in error.get_message()
    assert double.wait_until(lambda: [r.outcome for r in double.requests] == ["hang"])
    assert double.blocked == {}


def test_hanging_ends_when_its_time_is_up(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.hang(0.001))

    assert code_of(client) == "ClientNetworkError"


def test_late_answer_is_an_answer_to_the_patient(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.late(0.001))

    assert block(client, "a@example.com").ValidCount == 1


def test_late_answer_is_an_effect_unknown_to_the_hasty(
    double: TencentDouble, hasty_client: SesClient
) -> None:
    double.misbehave(faults.late(60))

    assert code_of(hasty_client) == "ClientNetworkError"
    assert double.wait_until(lambda: "a@example.com" in double.blocked)


@pytest.mark.parametrize("fault", [faults.drip_head(0.004), faults.drip_body(0.004)])
def test_dripping_answer_outlasts_the_timeout(double: TencentDouble, fault: Fault) -> None:
    """It bounds each read: 70 bytes or more, 4 ms apart, take longer than it allows."""
    double.misbehave(fault)

    assert block(make_client(double, reqTimeout=0.25), "a@example.com").ValidCount == 1


def test_stall_in_the_headers_is_a_network_error(
    double: TencentDouble, hasty_client: SesClient
) -> None:
    double.misbehave(faults.drip_head(60))

    assert code_of(hasty_client) == "ClientNetworkError"


def test_stall_in_the_body_has_a_code_of_its_own(
    double: TencentDouble,
) -> None:
    """The body is read after the SDK's own net was left: requests' exception comes through."""
    double.misbehave(faults.drip_body(60))

    assert code_of(make_client(double, reqTimeout=0.5)) == "ConnectionError"
    assert "a@example.com" in double.blocked


def test_redirect_is_followed_with_a_get(double: TencentDouble, client: SesClient) -> None:
    """It was signed as a POST, so what comes back looks like a wrong key."""
    double.misbehave(faults.redirect())

    assert code_of(client) == "AuthFailure.SignatureFailure"
    assert [request.outcome for request in double.requests] == [
        "redirect",
        "AuthFailure.SignatureFailure",
    ]
    assert double.blocked == {}


def test_nobody_listening_is_a_network_error(double: TencentDouble, client: SesClient) -> None:
    double.unplug()

    error = error_of(client)

    assert error.get_code() == "ClientNetworkError"
    assert "refused" in error.get_message()


def test_retryer_of_the_sdk_fails_after_it_succeeded(
    double: TencentDouble, client: SesClient
) -> None:
    """Trap B: the first error is never forgotten, so two successes later it is raised."""
    client.profile.retryer = StandardRetryer(max_attempts=3, backoff_fn=lambda _attempt: 0)
    double.misbehave(faults.RESET)

    assert code_of(client) == "ClientNetworkError"
    assert [request.outcome for request in double.requests] == ["reset", "ok", "ok"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 does not warn yet")
def test_warnings_as_errors_fail_every_call(double: TencentDouble, client: SesClient) -> None:
    """Trap C: the SDK calls datetime.utcfromtimestamp."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)

        assert code_of(client) == "DeprecationWarning"
    assert double.requests == []


def test_sdk_logs_addresses_and_authorization_when_debugging(
    double: TencentDouble, client: SesClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap D: its logger must never be at DEBUG."""
    caplog.set_level(logging.INFO, logger="tencentcloud_sdk_common")
    block(client, "quiet@example.com")
    caplog.set_level(logging.DEBUG, logger="tencentcloud_sdk_common")
    block(client, "loud@example.com")

    assert "quiet@example.com" not in caplog.text
    assert "loud@example.com" in caplog.text
    assert "Signature=" in caplog.text
    assert len(double.blocked) == 2


def test_faults_come_in_order_and_as_often_as_asked_for(
    double: TencentDouble, client: SesClient
) -> None:
    double.misbehave(faults.error("InternalError"), times=2)
    double.misbehave(faults.EMPTY_OBJECT)

    codes = [code_of(client) for _ in range(3)]

    assert codes == ["InternalError", "InternalError", "KeyError"]
    assert block(client, "a@example.com").ValidCount == 1


def test_fault_for_an_action_leaves_the_others_alone(
    double: TencentDouble, client: SesClient
) -> None:
    double.misbehave(faults.error("InternalError"), action="DeleteCustomBlackList")

    assert block(client, "a@example.com").ValidCount == 1
    assert code_of(client, "DeleteCustomBlackList", Emails=["a@example.com"]) == "InternalError"


def test_fault_for_certain_emails_leaves_the_others_alone(
    double: TencentDouble, client: SesClient
) -> None:
    double.misbehave(
        faults.error("InvalidParameterValue"),
        times=math.inf,
        emails=lambda emails: "poison@example.com" in emails,
    )

    assert block(client, "a@example.com").ValidCount == 1
    assert (
        code_of(client, Emails=["b@example.com", "poison@example.com"]) == "InvalidParameterValue"
    )
    assert code_of(client, Emails=["poison@example.com"]) == "InvalidParameterValue"


def test_behaving_forgets_the_faults(double: TencentDouble, client: SesClient) -> None:
    double.misbehave(faults.error("InternalError"), times=math.inf)
    code_of(client)

    double.behave()

    assert block(client, "a@example.com").ValidCount == 1


def test_fault_that_takes_effect_does_not_hide_a_refusal(
    double: TencentDouble, client: SesClient
) -> None:
    double.misbehave(faults.NO_COUNTS)

    with pytest.raises(TencentCloudSDKException, match="EmailsNecessary"):
        call(client, "CreateCustomBlacklist", Emails=[])
