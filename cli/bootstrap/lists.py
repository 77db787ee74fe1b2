"""Tencent's two lists: whose key opens them, at which site, and at what pace."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.bootstrap import accounts, here, stages
from cli.errors import MendFirstError

if TYPE_CHECKING:
    from cli.adapters.tencent import TencentLists
    from functions.blocklist.adapters.tencent_api import Credentials


def tencent(
    stage: str | None, *, requests_per_second: float, calls_at_once: int = 1
) -> "TencentLists":
    """
    Give Tencent's two lists, at one pace however many *calls_at_once* there may be.

    The environment's key wins over that of *stage*, which need not be deployed then: the pipeline's
    own key may add to one list and nothing else.

    Raises:
        CliError: there is no key, or it cannot be read.
    """
    credentials = _own_key() or _key_of_stage(stage)
    endpoint = _endpoint(os.environ if _names_endpoint() else _environment_of(stage))
    return _lists(
        credentials,
        endpoint,
        requests_per_second=requests_per_second,
        calls_at_once=calls_at_once,
    )


def has_own_key() -> bool:
    """Tell whether `tencent` uses a key of the operator's own."""
    return _own_key() is not None


def tencent_of_stage(stage: str) -> "TencentLists":
    """Give the same as the consumer of *stage* sees it, with its key and its endpoint."""
    endpoint = _endpoint(stages.consumer_environment(stage))
    return _lists(_key_of_stage(stage), endpoint, requests_per_second=1)


def tencent_with(secret_id: str, secret_key: str, stage: str) -> "TencentLists":
    """Give the same with a key that is not stored anywhere yet, where *stage* is to use it."""
    from functions.blocklist.adapters.tencent_api import Credentials

    told = _names_endpoint() or not stages.stack_if_any(stage)
    endpoint = _endpoint(os.environ if told else stages.consumer_environment(stage))
    return _lists(Credentials(secret_id, secret_key), endpoint, requests_per_second=1)


def _lists(
    credentials: "Credentials",
    endpoint: tuple[str, str],
    *,
    requests_per_second: float,
    calls_at_once: int = 1,
) -> "TencentLists":
    from cli.adapters.tencent import SideBySide, TencentLists
    from functions.blocklist.adapters.tencent_api import TencentApi

    url, region = endpoint
    return TencentLists(
        SideBySide(
            TencentApi(endpoint=url, region=region, credentials=lambda: credentials)
            for _ in range(calls_at_once)
        ),
        here.pacer(requests_per_second),
        account=f"{credentials.secret_id} at {url}",
    )


def _own_key() -> "Credentials | None":
    from functions.blocklist.adapters.tencent_api import Credentials

    secret_id = os.environ.get("TENCENTCLOUD_SECRET_ID", "").strip()
    secret_key = os.environ.get("TENCENTCLOUD_SECRET_KEY", "").strip()
    return Credentials(secret_id, secret_key) if secret_id and secret_key else None


def _key_of_stage(stage: str | None) -> "Credentials":
    from cli.logic.advice import explain
    from functions.blocklist.adapters.ssm import read_secret
    from functions.blocklist.adapters.tencent_api import parse_credentials
    from functions.blocklist.domain.errors import BlocklistError

    if not stage:
        half = any(map(os.environ.get, ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")))
        raise MendFirstError(
            "There is only half a Tencent key." if half else "There is no Tencent key.",
            "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or name a deployed stage with "
            "--stage to use its key.",
        )
    name = stages.stack(stage).output("TencentCredentialsParameter")
    try:
        return parse_credentials(read_secret(accounts.aws().client("ssm"), name))
    except BlocklistError as error:
        raise explain(error, action=f"reading {name}") from None


def _names_endpoint() -> bool:
    return bool(os.environ.get("TENCENT_SES_ENDPOINT", "").strip())


def _environment_of(stage: str | None) -> Mapping[str, str]:
    return stages.consumer_environment(stage) if stage else {}


def _endpoint(environment: Mapping[str, str]) -> tuple[str, str]:
    from functions.blocklist.config import read_endpoint

    try:
        return read_endpoint(environment)
    except ValueError as error:
        raise MendFirstError(f"{error}.") from None
