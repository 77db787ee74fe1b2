"""The secrets of a stage, SecureStrings in Systems Manager's Parameter Store."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.adapters.aws import Aws, aws_errors
from cli.errors import MendFirstError

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


class Secrets:
    """Reads and writes SecureStrings by their names."""

    def __init__(self, aws: Aws, *, kms_key_arn: str = "") -> None:
        """Encrypt what is written with *kms_key_arn*, or with AWS' own key."""
        self._ssm: SSMClient = aws.client("ssm")
        self._kms_key_arn = kms_key_arn

    def read(self, name: str) -> str | None:
        """Give what *name* holds, or None where there is no such parameter."""
        with aws_errors():
            try:
                return self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ParameterNotFound":
                    raise
        return None

    def read_existing(self, name: str) -> str:
        """
        Give what *name* holds.

        Raises:
            MendFirstError: there is no such parameter.
        """
        value = self.read(name)
        if value is None:
            raise MendFirstError(
                f"There is no parameter {name}.", "Store the secrets: ses-blocklist init STAGE."
            )
        return value

    def write(self, name: str, value: str, *, replace: bool) -> None:
        """Store *value*; what is there already is overwritten only to *replace* it."""
        # Named each time: without, SSM takes AWS' own key, whatever encrypted it before.
        encryption: dict[str, Any] = {"KeyId": self._kms_key_arn} if self._kms_key_arn else {}
        with aws_errors():
            self._ssm.put_parameter(
                Name=name, Value=value, Type="SecureString", Overwrite=replace, **encryption
            )
