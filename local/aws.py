"""The way into the emulated account: an address and somebody's credentials."""

import http.client
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import CredentialsTypeDef

_CONNECT_TIMEOUT_SECONDS = 5
_RESET_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose name calls are made in; without arguments the root of the emulated account."""

    access_key_id: str = "test"
    secret_access_key: str = "test"  # noqa: S105 - what the emulator takes for its root
    session_token: str | None = None


class Aws:
    """
    Makes clients for the emulator at *endpoint_url*.

    Ignores the caller's own AWS settings and proxies: nothing here may ever reach a real account.
    """

    def __init__(
        self, endpoint_url: str, *, region: str, credentials: Credentials | None = None
    ) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self._credentials = credentials or Credentials()
        self._session = boto3.Session(region_name=region, botocore_session=_deaf_session())
        self._lock = threading.Lock()  # sessions, unlike clients, are not safe to share

    def client(
        self,
        service: str,
        *,
        read_timeout_seconds: float = 60,
        attempts: int = 3,
        connections: int = 10,
    ) -> Any:  # noqa: ANN401 - the caller names the client's type: the stubs choose by literal name
        """Return a boto3 client that makes each call up to *attempts* times."""
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=connections,
            proxies={},
            s3={"addressing_style": "path"},
        )
        make_client: Any = self._session.client
        with self._lock:
            return make_client(
                service,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=self._credentials.access_key_id,
                aws_secret_access_key=self._credentials.secret_access_key,
                aws_session_token=self._credentials.session_token,
                config=config,
            )

    def as_role(self, credentials: "CredentialsTypeDef") -> "Aws":
        """Return the same way in with what AssumeRole answered."""
        return Aws(
            self.endpoint_url,
            region=self.region,
            credentials=Credentials(
                credentials["AccessKeyId"],
                credentials["SecretAccessKey"],
                credentials["SessionToken"],
            ),
        )

    def reset(self) -> None:
        """Forget every resource, message, log and metric, and end the functions' processes."""
        address = urlsplit(self.endpoint_url).netloc
        connection = http.client.HTTPConnection(address, timeout=_RESET_TIMEOUT_SECONDS)
        try:
            connection.request("POST", "/_ministack/reset")
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the emulator refused to reset: status {answer.status}")


def _deaf_session() -> botocore.session.Session:
    """Return a session that reads neither the environment nor the files of the caller."""
    defaults = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    nothing = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars=defaults | {"config_file": nothing, "credentials_file": nothing}
    )
