"""Secrets from Parameter Store, and what never leaves with an error."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from functions.blocklist.adapters.ssm import read_secret
from functions.blocklist.domain.errors import ConfigurationError, RetryLaterError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

NAME = "/ses-blocklist/test/callback-tokens"


@pytest.fixture(scope="module")
def client() -> "SSMClient":
    client: SSMClient = boto3.client(
        "ssm", "ap-southeast-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return client


@pytest.fixture
def ssm(client: "SSMClient") -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


class UnreachableSsm:
    """Raises as botocore does when there is no answer at all."""

    def __init__(self, error: BotoCoreError) -> None:
        self.error = error

    def get_parameter(self, **_: object) -> None:
        raise self.error


def test_secret_is_read_decrypted(client: "SSMClient", ssm: Stubber) -> None:
    ssm.add_response(
        "get_parameter",
        {"Parameter": {"Name": NAME, "Value": "s3cret"}},
        {"Name": NAME, "WithDecryption": True},
    )

    assert read_secret(client, NAME) == "s3cret"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ParameterNotFound", ConfigurationError),
        ("ParameterVersionNotFound", ConfigurationError),
        ("AccessDeniedException", ConfigurationError),
        ("InvalidKeyId", ConfigurationError),
        ("InternalServerError", UnavailableError),
        ("ThrottlingException", UnavailableError),
        ("500", UnavailableError),
    ],
)
def test_errors_are_sorted_by_who_can_mend_them(
    client: "SSMClient", ssm: Stubber, code: str, kind: type[RetryLaterError]
) -> None:
    ssm.add_client_error("get_parameter", code, f"no s3cret in {NAME}")

    with pytest.raises(RetryLaterError) as caught:
        read_secret(client, NAME)

    assert type(caught.value) is kind
    assert caught.value.code == f"ssm:{code}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointConnectionError(endpoint_url="https://s3cret"), "ssm:EndpointConnectionError"),
        (NoCredentialsError(), "ssm:NoCredentialsError"),
    ],
)
def test_service_that_cannot_be_reached_is_tried_again(error: BotoCoreError, code: str) -> None:
    client = cast("SSMClient", UnreachableSsm(error))

    with pytest.raises(UnavailableError) as caught:
        read_secret(client, NAME)

    assert caught.value.code == code
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("answer", [{}, {"Parameter": {"Name": NAME}}])
def test_answer_without_a_secret_is_no_answer(
    client: "SSMClient", ssm: Stubber, answer: dict[str, object]
) -> None:
    """A proxy's page with status 200, say, which botocore takes for good: the last list stays."""
    ssm.add_response("get_parameter", answer)

    with pytest.raises(UnavailableError):
        read_secret(client, NAME)


def test_error_says_nothing_but_its_code(client: "SSMClient", ssm: Stubber) -> None:
    """What a service says may hold anything, and a chained exception would print it."""
    ssm.add_client_error("get_parameter", "InternalServerError", "value s3cret is broken")

    with pytest.raises(UnavailableError) as caught:
        read_secret(client, NAME)

    assert str(caught.value) == "ssm:InternalServerError"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
