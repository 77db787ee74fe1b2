"""The operator's AWS account, and what its errors mean to a person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from cli.errors import CliError, MendFirstError, TryAgainError

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 4

_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
#: The beginnings of codes that only somebody with more rights, or a new login, can mend.
_REFUSED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "KMS.AccessDenied")
_BAD_CREDENTIALS = (
    "ExpiredToken",
    "InvalidClientTokenId",
    "UnrecognizedClient",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignature",
)
_LOG_IN = "Log in again, or set AWS_PROFILE: `aws sts get-caller-identity` must work in this shell."


class Aws:
    """Makes clients, as the environment says; it may lead to an emulator (AWS_ENDPOINT_URL)."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._endpoint = environment.get("AWS_ENDPOINT_URL", "").rstrip("/")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        with aws_errors():
            self._session = boto3.Session(region_name=region or None)

    @property
    def region(self) -> str:
        """
        The region that every call goes to.

        Raises:
            MendFirstError: there is none.
        """
        if not self._session.region_name:
            raise _no_region()
        return str(self._session.region_name)

    def client(self, service: str) -> Any:  # noqa: ANN401 - the caller names the client's type
        """Give a boto3 client."""
        make_client: Any = self._session.client
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        with aws_errors():
            return make_client(service, region_name=self.region, config=config)

    def reachable(self, function_url: str) -> str:
        """
        Give the address under which *function_url* answers.

        That is itself, but for an emulator: a function URL's host name leads nowhere there, and it
        serves the same path under its own address.
        """
        if not self._endpoint.startswith(("http://127.0.0.1:", "http://localhost:")):
            return function_url
        host, _, path = function_url.partition("://")[2].partition("/")
        return f"{self._endpoint}/_aws/lambda-url/{host.partition('.')[0]}/{path}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what time it is for AWS, in epoch seconds, if it says so."""

    arn: str
    account: str
    aws_time: float | None


def caller(aws: Aws) -> Caller:
    """Ask AWS who we are."""
    sts: STSClient = aws.client("sts")
    with aws_errors():
        answer = sts.get_caller_identity()
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        aws_time = parsedate_to_datetime(said).timestamp()
    except ValueError:
        aws_time = None
    return Caller(answer["Arn"], answer["Account"], aws_time)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what boto3 raises into what to do about it."""
    try:
        yield
    except NoRegionError:
        raise _no_region() from None
    except _NO_CREDENTIALS as error:
        raise MendFirstError(f"There are no AWS credentials: {error}.", _LOG_IN) from None
    except ClientError as error:
        raise _explained(error) from None
    except EndpointConnectionError as error:
        raise TryAgainError(
            f"AWS does not answer: {error}", "Look at the network, AWS_REGION and AWS_ENDPOINT_URL."
        ) from None
    except BotoCoreError as error:
        raise TryAgainError(f"AWS gave no usable answer: {type(error).__name__}.") from None


def _explained(error: ClientError) -> CliError:
    """None of the calls that are made here are answered with a secret or somebody's address."""
    code = str(error.response["Error"].get("Code", ""))
    message = str(error.response["Error"].get("Message", "")).rstrip(".")
    said = f"AWS refused {error.operation_name} ({code}): {message}."
    if code.startswith(_BAD_CREDENTIALS):
        return MendFirstError(said, _LOG_IN)
    if code.startswith(_REFUSED):
        return MendFirstError(said, "Ask for that right, or use another role.")
    if code.endswith(("Throttling", "ThrottlingException", "TooManyRequestsException")):
        return TryAgainError(said, "Run the command again in a minute.")
    return MendFirstError(said)


def _no_region() -> CliError:
    return MendFirstError("No AWS region is set.", "For example: export AWS_REGION=ap-southeast-1")
