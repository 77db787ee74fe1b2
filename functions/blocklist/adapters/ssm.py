"""Secrets from Systems Manager's Parameter Store."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from functions.blocklist.domain.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

#: What only an operator can mend.
#: Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
_CONFIGURATION_CODES = frozenset(
    {"AccessDeniedException", "InvalidKeyId", "ParameterNotFound", "ParameterVersionNotFound"}
)


def read_secret(client: "SSMClient", name: str) -> str:
    """
    Read one SecureString.

    Raises:
        ConfigurationError: it does not exist, or this function may not read it.
        UnavailableError: the service did not answer, or with something else than a secret.
    """
    try:
        return client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        kind = ConfigurationError if code in _CONFIGURATION_CODES else UnavailableError
        raise kind(f"ssm:{code}") from None
    except (BotoCoreError, KeyError) as error:  # botocore takes any answer with 200 for a good one
        raise UnavailableError(f"ssm:{type(error).__name__}") from None
