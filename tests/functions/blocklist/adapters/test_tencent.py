"""The real SDK against a double that misbehaves in every way that Tencent's API is known to."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from functions.blocklist.adapters.tencent import TencentBlocklist
from functions.blocklist.adapters.tencent_api import Credentials, TencentApi, parse_credentials
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    RefusedRequestError,
    RequestTooLargeError,
    RetryLaterError,
    TooManyRecipientsError,
    UnavailableError,
)
from functions.blocklist.services.ports import Answer, Counts
from local.tencent import faults
from local.tencent.double import TencentDouble
from local.tencent.faults import Fault
from local.tencent.messages import Answer as HttpAnswer
from tests.fakes import FakeClock

SECRET = Credentials("AKIDexample", "example-secret-key")
#: Long enough for a noisy machine, short enough for a test that waits it out.
SOON, NEVER = 0.4, 30.0


@pytest.fixture
def double() -> Iterator[TencentDouble]:
    with TencentDouble(
        secret_id=SECRET.secret_id, secret_key=SECRET.secret_key, max_requests_per_second=10_000
    ) as running:
        yield running


@pytest.fixture
def blocklist(double: TencentDouble) -> TencentBlocklist:
    return make_blocklist(double)


def make_blocklist(
    double: TencentDouble,
    *keys: Credentials,
    region: str = "ap-singapore",
    clock: Callable[[], float] = time.time,
) -> TencentBlocklist:
    given = iter(keys or (SECRET,))
    api = TencentApi(
        endpoint=double.url, region=region, credentials=lambda: next(given), clock=clock
    )
    return TencentBlocklist(api, max_recipients=1000)


def add(
    blocklist: TencentBlocklist,
    *recipients: str,
    until: date | None = None,
    timeout_seconds: float = NEVER,
) -> Answer:
    return blocklist.add(
        recipients or ("a@example.com",), until=until, timeout_seconds=timeout_seconds
    )


def test_recipients_are_blocked_for_good(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    answer = add(blocklist, "a@example.com", "b@example.com")

    assert answer.counts == Counts(added=2, repeated=0, refused=0, total=2)
    assert answer.request_id
    assert set(double.blocked) == {"a@example.com", "b@example.com"}
    assert double.requests[0].expire_date is None


def test_recipients_are_blocked_until_a_day(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    add(blocklist, until=date(2099, 12, 31))

    assert double.requests[0].expire_date == "2099-12-31"


def test_counts_tell_new_repeated_and_refused_apart(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    double.max_email_characters = 20
    add(blocklist, "a@example.com")

    answer = add(
        blocklist, "a@example.com", "b@example.com", "no-address", "much-too-long@example.com"
    )

    assert answer.counts == Counts(added=1, repeated=1, refused=2, total=4)


def test_one_connection_serves_every_request(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    for _ in range(5):
        add(blocklist)

    assert double.connections == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.NO_COUNTS,
        faults.fields(
            "nothing",
            ValidCount=None,
            RepeatCount="1",
            InvalidCount=-1,
            TooLongCount=[],
            TotalCount=None,
        ),
    ],
    ids=lambda fault: fault.name,
)
def test_answer_without_counts_is_an_answer(
    double: TencentDouble, blocklist: TencentBlocklist, fault: Fault
) -> None:
    double.misbehave(fault)

    answer = add(blocklist)

    assert answer.counts is None
    assert answer.request_id


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"TotalCount": 3, "ValidCount": 2, "InvalidCount": 1, "TooLongCount": None},
            Counts(2, 0, 1, 3),
        ),
        ({"InvalidCount": 1, "ValidCount": None, "TotalCount": None}, Counts(0, 0, 1, 0)),
        (
            {"TotalCount": 2, "ValidCount": 1, "InvalidCount": 1, "TooLongCount": 1},
            Counts(1, 0, 1, 2),
        ),
        (
            {"TotalCount": 1, "ValidCount": 0, "InvalidCount": 1, "TooLongCount": 1},
            Counts(0, 0, 1, 1),
        ),
        (
            {"TotalCount": 9, "ValidCount": 5, "InvalidCount": 1, "TooLongCount": 1},
            Counts(5, 0, 2, 9),
        ),
    ],
)
def test_refusals_are_believed_although_other_counts_are_missing_or_wrong(
    double: TencentDouble,
    blocklist: TencentBlocklist,
    counts: dict[str, object],
    expected: Counts,
) -> None:
    """To take them for no counts would lose whom Tencent says it refused."""
    double.misbehave(faults.fields("counts", **{"RepeatCount": None, **counts}))

    assert add(blocklist).counts == expected


@pytest.mark.parametrize("fault", [faults.EXTRA_FIELDS, faults.DEPRECATED])
def test_fields_that_nobody_knows_do_no_harm(
    double: TencentDouble, blocklist: TencentBlocklist, fault: Fault
) -> None:
    """The SDK would print Tencent's text of a deprecation."""
    double.misbehave(fault)

    assert add(blocklist).counts == Counts(1, 0, 0, 1)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("RequestLimitExceeded", RateLimitedError),
        ("RequestLimitExceeded.UinLimitExceeded", RateLimitedError),
        ("RequestLimitExceeded.IPLimitExceeded", RateLimitedError),
        ("LimitExceeded.ReceiverDetailRequestLimit", TooManyRecipientsError),
        ("LimitExceeded.ReceiverDetailCountLimit", ConfigurationError),
        ("LimitExceeded", ConfigurationError),
        ("RequestSizeLimitExceeded", RequestTooLargeError),
        ("AuthFailure.SecretIdNotFound", ConfigurationError),
        ("AuthFailure.SignatureExpire", ConfigurationError),
        ("UnauthorizedOperation", ConfigurationError),
        ("UnsupportedRegion", ConfigurationError),
        ("NoSuchVersion", ConfigurationError),
        ("InvalidAction", ConfigurationError),
        ("InvalidParameterValue.WrongDate", ConfigurationError),
        ("MissingParameter.EmailsNecessary", ConfigurationError),
        ("UnknownParameter", ConfigurationError),
        ("InvalidRequest", ConfigurationError),
        ("IpInBlacklist", ConfigurationError),
        ("IpNotInWhitelist", ConfigurationError),
        ("InvalidParameter", RefusedRequestError),
        ("InvalidParameterValue", RefusedRequestError),
        ("InvalidParameterValue.IllegalEmailAddress", RefusedRequestError),
        ("InternalError", UnavailableError),
        ("InternalError.DbError", UnavailableError),
        ("FailedOperation.ServiceNotAvailable", UnavailableError),
        ("ResourceUnavailable", UnavailableError),
        ("ResourceInsufficient", UnavailableError),
        ("SomethingNew", UnavailableError),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_errors_are_sorted_by_what_to_do(
    double: TencentDouble,
    blocklist: TencentBlocklist,
    code: str,
    kind: type[BlocklistError],
    content_type: str,
) -> None:
    double.misbehave(faults.error(code, content_type=content_type))

    with pytest.raises(kind) as caught:
        add(blocklist)

    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.request_id


@pytest.mark.parametrize("content_type", [None, "text/plain", "text/html"])
def test_error_in_the_body_decides_whatever_the_content_type(
    double: TencentDouble, blocklist: TencentBlocklist, content_type: str | None
) -> None:
    """The SDK takes such an answer for a success, and the addresses would be lost."""
    double.misbehave(faults.error("RequestLimitExceeded", content_type=content_type))

    with pytest.raises(RateLimitedError):
        add(blocklist)


def test_error_in_the_body_decides_whatever_the_status(double: TencentDouble) -> None:
    blocklist = make_blocklist(double, SECRET, SECRET)
    double.misbehave(faults.error("AuthFailure.SecretIdNotFound", status=401))
    double.misbehave(faults.error("RequestLimitExceeded", status=429))

    with pytest.raises(ConfigurationError):
        add(blocklist)
    with pytest.raises(RateLimitedError):
        add(blocklist)


def test_error_decides_whatever_the_request_id(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    double.misbehave(
        faults.raw('{"Response": {"Error": {"Code": "RequestLimitExceeded"}, "RequestId": 7}}')
    )

    with pytest.raises(RateLimitedError):
        add(blocklist)


def test_success_with_another_status_is_none(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    double.misbehave(Fault(name="teapot", takes_effect=False, answer=_with_status_418))

    with pytest.raises(UnavailableError):
        add(blocklist)


def _with_status_418(_truth: HttpAnswer, _leak: str) -> HttpAnswer:
    return HttpAnswer(b'{"Response": {"RequestId": "r-1"}}', status=418)


def test_idle_connection_is_not_used_again(double: TencentDouble) -> None:
    """In a frozen sandbox it dies without a sign, and costs a whole timeout."""
    clock = FakeClock()
    blocklist = make_blocklist(double, clock=clock)

    add(blocklist)
    clock.now += 29
    add(blocklist)
    assert double.connections == 1
    clock.now += 31
    add(blocklist)
    assert double.connections == 2


def test_reading_the_key_counts_towards_the_time(double: TencentDouble) -> None:
    started, answered = threading.Event(), threading.Event()

    def slowly() -> Credentials:
        started.set()
        answered.wait(SOON)
        return SECRET

    api = TencentApi(endpoint=double.url, region="ap-singapore", credentials=slowly)
    blocklist = TencentBlocklist(api, max_recipients=1000)

    with pytest.raises(UnavailableError) as caught:
        add(blocklist, timeout_seconds=SOON / 2)

    assert started.is_set()
    assert caught.value.code == "NoAnswerInTime"


@pytest.mark.parametrize(
    "fault",
    [
        faults.html(),
        faults.html(429),
        faults.html(500),
        faults.EMPTY_BODY,
        faults.EMPTY_OBJECT,
        faults.EMPTY_RESPONSE,
        faults.BAD_JSON,
        faults.raw("null"),
        faults.raw("[]"),
        faults.raw('"text"'),
        faults.raw('{"Response": null}'),
        faults.raw('{"Response": {"Error": "text", "RequestId": "r"}}'),
        faults.raw('{"Response": {"Error": {}, "RequestId": "r"}}'),
        faults.raw('{"Response": {"Error": {"Code": "not a code"}, "RequestId": "r"}}'),
        faults.raw("[" * 100_000),
        faults.RESET,
        faults.RESET_AFTER_EFFECT,
        faults.CUT_MID_BODY,
    ],
    ids=lambda fault: fault.name,
)
def test_answer_that_cannot_be_used_is_asked_for_again_later(
    double: TencentDouble, blocklist: TencentBlocklist, fault: Fault
) -> None:
    double.misbehave(fault)

    with pytest.raises(UnavailableError) as caught:
        add(blocklist)

    assert type(caught.value) is UnavailableError
    assert add(blocklist).request_id


def test_redirect_loses_nothing(double: TencentDouble, blocklist: TencentBlocklist) -> None:
    """The SDK follows it with a request that blocks nobody."""
    double.misbehave(faults.redirect())

    with pytest.raises(RetryLaterError):
        add(blocklist)


def test_error_without_request_id_keeps_its_class(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    double.misbehave(faults.error("AuthFailure.SignatureFailure", request_id=False))

    with pytest.raises(ConfigurationError) as caught:
        add(blocklist)

    assert caught.value.request_id is None


def test_refused_connection_is_weather(double: TencentDouble, blocklist: TencentBlocklist) -> None:
    add(blocklist)
    double.unplug()

    with pytest.raises(UnavailableError):
        add(blocklist)

    double.plug()
    assert add(blocklist).request_id


@pytest.mark.parametrize(
    "fault", [faults.hang(), faults.drip_head(0.02), faults.drip_body(0.02)], ids=lambda f: f.name
)
def test_call_ends_in_time_whatever_the_other_side_does(
    double: TencentDouble, blocklist: TencentBlocklist, fault: Fault
) -> None:
    """A timeout for each read never notices an answer that drips."""
    double.misbehave(fault)
    started = time.monotonic()

    with pytest.raises(UnavailableError) as caught:
        add(blocklist, timeout_seconds=SOON)

    assert caught.value.code == "NoAnswerInTime"
    assert time.monotonic() - started < NEVER
    assert add(blocklist).request_id


def test_nothing_of_the_vendors_text_leaves(
    double: TencentDouble, blocklist: TencentBlocklist, caplog: pytest.LogCaptureFixture
) -> None:
    """The double puts an address and the secret into every message it can."""
    caplog.set_level(logging.DEBUG)
    double.misbehave(faults.error("InternalError"))
    double.misbehave(faults.html(500))
    double.misbehave(faults.DEPRECATED)

    errors = []
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            add(blocklist, "victim@example.com")
        errors.append(caught.value)
    add(blocklist, "victim@example.com")

    for error in errors:
        assert error.__suppress_context__ or error.__context__ is None
        assert "@" not in repr(error)
    assert "victim" not in caplog.text
    assert SECRET.secret_key not in caplog.text


@pytest.mark.parametrize("request_id", ["victim@example.com", "x" * 65, None, {"a": 1}])
def test_request_id_that_is_none_is_not_repeated(
    double: TencentDouble, blocklist: TencentBlocklist, request_id: object
) -> None:
    double.misbehave(faults.fields("error", Error={"Code": "InternalError"}, RequestId=request_id))

    with pytest.raises(UnavailableError) as caught:
        add(blocklist)

    assert caught.value.request_id is None


def test_refused_key_is_read_again(double: TencentDouble) -> None:
    """A key that was rotated must not need a new sandbox."""
    blocklist = make_blocklist(double, Credentials("AKIDold", "old"), SECRET)

    with pytest.raises(ConfigurationError):
        add(blocklist)

    assert add(blocklist).request_id


def test_blanks_around_a_key_do_no_harm(double: TencentDouble) -> None:
    padded = Credentials(f" {SECRET.secret_id}\n", f"{SECRET.secret_key} ")

    assert add(make_blocklist(double, padded)).request_id


def test_empty_key_is_a_matter_of_configuration(double: TencentDouble) -> None:
    with pytest.raises(ConfigurationError) as caught:
        add(make_blocklist(double, Credentials("", "")))

    assert caught.value.code == "InvalidCredential"


def test_wrong_region_is_a_matter_of_configuration(double: TencentDouble) -> None:
    with pytest.raises(ConfigurationError):
        add(make_blocklist(double, region="ap-guangzhou"))


def test_limit_is_halved_and_never_reaches_nothing(blocklist: TencentBlocklist) -> None:
    limits = []
    for size in (1000, 500, 500, 3, 1, 1):
        blocklist.shrink(size)
        limits.append(blocklist.max_recipients)

    assert limits == [500, 250, 250, 1, 1, 1]


def test_too_many_recipients_are_told_apart(
    double: TencentDouble, blocklist: TencentBlocklist
) -> None:
    double.max_emails_per_request = 1

    with pytest.raises(TooManyRecipientsError):
        add(blocklist, "a@example.com", "b@example.com")


def test_credentials_are_read_from_json() -> None:
    text = '{"secret_id": "AKIDexample", "secret_key": "example-secret-key", "note": "ours"}'

    assert parse_credentials(text) == SECRET


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "AKID,key", '{"secret_id": "AKIDexample"}', '{"secret_id": 1}']
)
def test_unreadable_credentials_are_a_matter_of_configuration(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_credentials(text)

    assert str(caught.value) == "UnreadableCredentials"


def test_credentials_do_not_show() -> None:
    assert "AKID" not in repr(SECRET)
    assert SECRET.secret_key not in repr(SECRET)
