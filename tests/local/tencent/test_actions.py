"""The actions do what their pages say, with the parameters and errors listed there."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from tencentcloud.ses.v20201002.ses_client import SesClient

from local.tencent import TencentDouble
from local.tencent.double import SHANGHAI
from tests.local.tencent.raw import ask, code_of_asking
from tests.local.tencent.sdk import (
    SECRET_ID,
    SECRET_KEY,
    block,
    call,
    code_of,
    counts_of,
)

A, B, C = "a@example.com", "b@example.com", "c@example.com"


class Clock:
    """Stands at a time in Shanghai until it is set to another."""

    def __init__(self) -> None:
        self.set("2026-11-23 23:30:00")

    def set(self, local_time: str) -> None:
        self.seconds = datetime.fromisoformat(local_time).replace(tzinfo=SHANGHAI).timestamp()

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(clock: Clock) -> Iterator[TencentDouble]:
    """Live by *clock*."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY, now=clock) as double:
        yield double


def test_addresses_are_counted_as_in_the_published_example(client: SesClient) -> None:
    """https://www.tencentcloud.com/document/api/1084/77211, example 2, with another domain."""
    response = block(client, "resrse@example.com", "resrse@example.com", "asdasdasdasd")

    assert counts_of(response) == {
        "Total": 3,
        "Valid": 1,
        "TooLong": 0,
        "Repeat": 1,
        "Invalid": 1,
    }


def test_bad_addresses_are_counted_and_the_others_blocked(
    double: TencentDouble, client: SesClient
) -> None:
    longest = "x" * 242 + "@example.com"

    response = block(client, A, longest, f"x{longest}", "", "nobody", "nobody")

    assert counts_of(response) == {"Total": 6, "Valid": 2, "TooLong": 1, "Repeat": 0, "Invalid": 3}
    assert list(double.blocked) == [A, longest]


def test_good_looking_addresses_can_be_refused(double: TencentDouble, client: SesClient) -> None:
    """Tencent's rule is not known, so ours cannot be the same."""
    double.refused = {A}
    first = block(client, A, B)
    double.refused = lambda email: email.startswith("c")
    second = block(client, A, C)

    assert (first.ValidCount, first.InvalidCount) == (1, 1)
    assert (second.ValidCount, second.InvalidCount) == (1, 1)
    assert set(double.blocked) == {A, B}


def test_longest_address_is_a_setting(double: TencentDouble, client: SesClient) -> None:
    double.max_email_characters = len(A) - 1

    assert block(client, A).TooLongCount == 1


def test_blocking_again_changes_nothing(double: TencentDouble, client: SesClient) -> None:
    """Not even the expiry date, or an expired entry: whether Tencent does is undocumented."""
    block(client, A)
    before = double.blocked

    response = block(client, A, ExpireDate="2999-01-01")

    assert (response.ValidCount, response.RepeatCount) == (0, 1)
    assert double.blocked == before


@pytest.mark.parametrize("fields", [{"Emails": []}, {"ExpireDate": "2999-01-01"}])
def test_addresses_are_necessary(client: SesClient, fields: dict[str, object]) -> None:
    code = code_of(client, "CreateCustomBlacklist", **fields)

    assert code == "MissingParameter.EmailsNecessary"


def test_addresses_in_a_request_are_limited(double: TencentDouble, client: SesClient) -> None:
    """The limit has an error and no number on the page; a related action has 20,000."""
    assert block(client, *[A] * 20_000).TotalCount == 20_000
    assert code_of(client, Emails=[A] * 20_001) == "LimitExceeded.ReceiverDetailRequestLimit"

    double.max_emails_per_request = 1

    assert code_of(client, Emails=[B, C]) == "LimitExceeded.ReceiverDetailRequestLimit"
    assert set(double.blocked) == {A}


@pytest.mark.parametrize(
    ("expire_date", "code"),
    [
        ("2026-11-24", "ok"),
        ("2028-02-29", "ok"),
        ("2026-11-23", "InvalidParameterValue.WrongDate"),
        ("2027-02-29", "InvalidParameterValue.WrongDate"),
        ("2026-12-1", "InvalidParameterValue.WrongDate"),
        ("2026-12-01 00:00:00", "InvalidParameterValue.WrongDate"),
        ("20261201", "InvalidParameterValue.WrongDate"),
        ("", "InvalidParameterValue.WrongDate"),
        (20261201, "InvalidParameter"),
    ],
)
def test_expiry_is_a_date_from_tomorrow_on(
    timed: TencentDouble, expire_date: object, code: str
) -> None:
    """Tomorrow in Shanghai, where it is half an hour to midnight."""
    given = code_of_asking(timed, "CreateCustomBlacklist", Emails=[A], ExpireDate=expire_date)

    assert given == code
    assert len(timed.blocked) == (code == "ok")


def test_tomorrow_comes_in_shanghai_first(timed: TencentDouble, clock: Clock) -> None:
    clock.set("2026-11-24 00:30:00")

    code = code_of_asking(timed, "CreateCustomBlacklist", Emails=[A], ExpireDate="2026-11-24")

    assert code == "InvalidParameterValue.WrongDate"


def test_entries_are_listed_newest_first(timed: TencentDouble, clock: Clock) -> None:
    ask(timed, "CreateCustomBlacklist", Emails=[A], ExpireDate="2026-11-24")
    clock.set("2026-11-23 23:30:59")
    ask(timed, "CreateCustomBlacklist", Emails=[B])

    response = ask(timed, "ListCustomBlacklist", Offset=0, Limit=100, Status=2)

    assert response["TotalCount"] == 2
    assert response["Data"] == [
        {
            "Id": 2,
            "Email": B,
            "CreateTime": "2026-11-23 23:30:59",
            "ExpireDate": "",
            "Status": 1,
        },
        {
            "Id": 1,
            "Email": A,
            "CreateTime": "2026-11-23 23:30:00",
            "ExpireDate": "2026-11-24",
            "Status": 1,
        },
    ]


@pytest.mark.parametrize(
    ("now", "expired", "active"),
    [("2026-11-23 23:59:59", [], [B, A]), ("2026-11-24 00:00:00", [A], [B])],
)
def test_entry_is_expired_from_its_expiry_date_on(
    timed: TencentDouble, clock: Clock, now: str, expired: list[str], active: list[str]
) -> None:
    """It stays on the list, as Status 0."""
    ask(timed, "CreateCustomBlacklist", Emails=[A], ExpireDate="2026-11-24")
    ask(timed, "CreateCustomBlacklist", Emails=[B])
    clock.set(now)

    def listed(status: int) -> list[str]:
        response = ask(timed, "ListCustomBlacklist", Offset=0, Limit=100, Status=status)
        return [row["Email"] for row in response["Data"]]

    assert [listed(0), listed(1), listed(2)] == [expired, active, [B, A]]


def test_list_is_paged_and_filtered(client: SesClient) -> None:
    block(client, A, B, C)

    page = call(client, "ListCustomBlacklist", Offset=1, Limit=1, Status=1)
    found = call(client, "ListCustomBlacklist", Offset=0, Limit=10, Status=2, Email=A)

    assert (page.TotalCount, [row.Email for row in page.Data]) == (3, [B])
    assert (found.TotalCount, [row.Email for row in found.Data]) == (1, [A])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Limit": 101}, "FailedOperation.InvalidLimit"),
        ({"Limit": 0}, "FailedOperation.InvalidLimit"),
        ({"Offset": -1}, "InvalidParameterValue"),
        ({"Status": 3}, "InvalidParameterValue"),
        ({"Status": "2"}, "InvalidParameter"),
        ({"Status": None}, "MissingParameter"),
        ({"Offset": None}, "MissingParameter"),
    ],
)
def test_list_refuses_what_its_page_rules_out(
    client: SesClient, fields: dict[str, object], code: str
) -> None:
    good = {"Offset": 0, "Limit": 100, "Status": 2}

    assert code_of(client, "ListCustomBlacklist", **{**good, **fields}) == code


def test_update_changes_address_and_expiry_and_keeps_the_rest(timed: TencentDouble) -> None:
    ask(timed, "CreateCustomBlacklist", Emails=[A, B])

    ask(timed, "UpdateCustomBlackList", Id=1, Email=C, ExpireDate="2027-01-01")

    updated, other = timed.blocked[C], timed.blocked[B]
    assert (updated.id, updated.expires_on) == (1, date(2027, 1, 1))
    assert f"{updated.created_at:%Y-%m-%d %H:%M}" == "2026-11-23 23:30"
    assert (other.id, other.expires_on, set(timed.blocked)) == (2, None, {B, C})


@pytest.mark.parametrize("fields", [{}, {"ExpireDate": ""}])
def test_update_without_expiry_is_for_ever(timed: TencentDouble, fields: dict[str, object]) -> None:
    ask(timed, "CreateCustomBlacklist", Emails=[A], ExpireDate="2027-01-01")

    ask(timed, "UpdateCustomBlackList", Id=1, Email=A, **fields)

    assert timed.blocked[A].expires_on is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Email": "nobody"}, "InvalidParameterValue.IllegalEmailAddress"),
        ({"Email": "x" * 300 + A}, "InvalidParameterValue.IllegalEmailAddress"),
        ({"ExpireDate": "2020-01-01"}, "InvalidParameterValue.WrongDate"),
        ({"Id": 7}, "InternalError"),
        ({"Email": B}, "InternalError"),
        ({"Id": None}, "MissingParameter"),
        ({"Email": None}, "MissingParameter"),
    ],
)
def test_update_refuses_what_create_would_count(
    double: TencentDouble, client: SesClient, fields: dict[str, object], code: str
) -> None:
    """An unknown Id and another entry's address have no error of their own."""
    block(client, A, B)
    before = double.blocked

    assert code_of(client, "UpdateCustomBlackList", **{"Id": 1, "Email": A, **fields}) == code
    assert double.blocked == before


def test_delete_takes_addresses_off_the_custom_list(
    double: TencentDouble, client: SesClient
) -> None:
    block(client, A, B)
    double.bounce(A)

    call(client, "DeleteCustomBlackList", Emails=[A, C])

    assert set(double.blocked) == {B}
    assert set(double.bounced) == {A}


def test_deleted_address_can_be_blocked_again(double: TencentDouble, client: SesClient) -> None:
    block(client, A)
    call(client, "DeleteCustomBlackList", Emails=[A])

    assert block(client, A).ValidCount == 1
    assert double.blocked[A].id == 2


def test_automatic_list_is_by_day_in_shanghai(timed: TencentDouble, clock: Clock) -> None:
    timed.bounce(A, "550 5.1.1 no such user")
    clock.set("2026-11-24 00:00:00")
    timed.bounce(B)

    def listed(first: str, last: str) -> list[str]:
        response = ask(
            timed, "ListBlackEmailAddress", StartDate=first, EndDate=last, Limit=100, Offset=0
        )
        return [row["EmailAddress"] for row in response["BlackList"]]

    assert listed("2026-11-23", "2026-11-23") == [A]
    assert listed("2026-11-23", "2026-11-24") == [B, A]
    assert listed("2026-11-25", "2026-12-25") == []


def test_automatic_list_tells_time_and_reason(timed: TencentDouble) -> None:
    timed.bounce(A, "550 5.1.1 no such user")
    timed.bounce(B)

    response = ask(
        timed,
        "ListBlackEmailAddress",
        StartDate="2026-11-23",
        EndDate="2026-11-23",
        Limit=1,
        Offset=0,
        EmailAddress=A,
    )

    assert response["TotalCount"] == 1
    assert response["BlackList"] == [
        {
            "BounceTime": "2026-11-23 23:30:00",
            "EmailAddress": A,
            "IspDesc": "550 5.1.1 no such user",
        }
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Limit": 101}, "FailedOperation.InvalidLimit"),
        ({"StartDate": "2026-11-24"}, "InvalidParameterValue.WrongDate"),
        ({"EndDate": "yesterday"}, "InvalidParameterValue.WrongDate"),
        ({"EndDate": None}, "MissingParameter"),
    ],
)
def test_automatic_list_refuses_what_its_page_rules_out(
    client: SesClient, fields: dict[str, object], code: str
) -> None:
    good = {"StartDate": "2026-11-23", "EndDate": "2026-11-23", "Limit": 100, "Offset": 0}

    assert code_of(client, "ListBlackEmailAddress", **{**good, **fields}) == code


def test_delete_takes_addresses_off_the_automatic_list(
    double: TencentDouble, client: SesClient
) -> None:
    """To un-block somebody both lists have to be cleared."""
    block(client, A)
    double.bounce(A)
    double.bounce(B)

    call(client, "DeleteBlackList", EmailAddressList=[A])

    assert set(double.bounced) == {B}
    assert set(double.blocked) == {A}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"EmailAddressList": []}, "InvalidParameterValue"), ({"Emails": [A]}, "UnknownParameter")],
)
def test_delete_from_the_automatic_list_needs_an_address(
    timed: TencentDouble, fields: dict[str, object], code: str
) -> None:
    assert code_of_asking(timed, "DeleteBlackList", **fields) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Emails": [A], "ExpiredDate": "2027-01-01"}, "UnknownParameter"),
        ({"Emails": A}, "InvalidParameter"),
        ({"Emails": [A, 7]}, "InvalidParameter"),
        ({"Emails": [A], "ExpireDate": None}, "ok"),
    ],
)
def test_parameters_are_those_of_the_page(
    timed: TencentDouble, fields: dict[str, object], code: str
) -> None:
    """The SDK sends a misspelled one without a word."""
    assert code_of_asking(timed, "CreateCustomBlacklist", **fields) == code
