"""What AWS refuses is said as what to do about it, and every failure has its exit code."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from cli.adapters.aws import Aws, aws_errors
from cli.errors import CliError, MendFirstError, TryAgainError


def refused(code: str, message: str = "why") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ReceiveMessage")


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (NoCredentialsError(), MendFirstError, "aws sts get-caller-identity"),
        (NoRegionError(), MendFirstError, "export AWS_REGION="),
        (refused("ExpiredTokenException"), MendFirstError, "Log in again"),
        (refused("UnrecognizedClientException"), MendFirstError, "Log in again"),
        (refused("AccessDeniedException", "may not"), MendFirstError, "Ask for that right"),
        (refused("AccessDenied"), MendFirstError, "ReceiveMessage (AccessDenied): why."),
        (refused("ThrottlingException"), TryAgainError, "in a minute"),
        (refused("Something"), MendFirstError, "ReceiveMessage (Something)"),
        (EndpointConnectionError(endpoint_url="http://x"), TryAgainError, "does not answer"),
        (ReadTimeoutError(endpoint_url="http://x"), TryAgainError, "ReadTimeoutError"),
    ],
)
def test_errors_are_told_with_what_to_do(error: Exception, kind: type[CliError], told: str) -> None:
    with pytest.raises(kind) as caught, aws_errors():
        raise error

    assert told in f"{caught.value.problem} {caught.value.advice}"
    assert caught.value.__cause__ is None


def test_region_is_the_one_that_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment takes AWS_REGION first; boto3 by itself does not look at it."""
    assert Aws({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}).region == "eu-west-1"

    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(MendFirstError):
        _ = Aws({}).region


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("", "https://abc.lambda-url.eu-west-1.on.aws/callbacks/"),
        ("https://vpce.example.com", "https://abc.lambda-url.eu-west-1.on.aws/callbacks/"),
        ("http://127.0.0.1:4566/", "http://127.0.0.1:4566/_aws/lambda-url/abc/callbacks/"),
    ],
)
def test_function_url_of_an_emulator_is_under_its_own_address(endpoint: str, address: str) -> None:
    aws = Aws({"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1"})

    assert aws.reachable("https://abc.lambda-url.eu-west-1.on.aws/callbacks/") == address
