"""Settings from the environment, typed. A mistake fails at start and says what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Environment = Mapping[str, str]

#: Which regions each of Tencent's API hosts serves.
#: Sources: https://www.tencentcloud.com/document/product/1084/77211 (international) and
#: https://cloud.tencent.com/document/api/1288/107854 (China).
REGIONS_BY_ENDPOINT = {
    "ses.intl.tencentcloudapi.com": ("ap-singapore",),
    "ses.tencentcloudapi.com": ("ap-guangzhou", "ap-hongkong"),
}
_TOPIC_ARN = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+")
_DOUBLE = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as it stands in the environment, or the name of the SSM parameter that holds it."""

    value: str = field(default="", repr=False)
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The two queues, which both functions use."""

    queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True, slots=True)
class ReceiveSettings:
    """What `receive_callback` needs."""

    queues: QueueSettings
    callback_tokens: Secret
    forward_topic_arn: str


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """
    The ledger's table, the *key* that hashes its addresses, and how long it keeps them.

    *blocks_per_hour* and *blocks_per_mail* are what the brake lets through.
    """

    table: str
    key: Secret
    retention_days: int
    blocks_per_hour: int
    blocks_per_mail: int


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """What `block_recipients` needs. *secret_id* goes with a *secret_key* that stands directly."""

    queues: QueueSettings
    secret_id: str = field(repr=False)
    secret_key: Secret
    endpoint: str
    region: str
    max_emails_per_request: int
    api_requests_per_second: float
    first_retry_seconds: float
    expected_app_ids: frozenset[str]
    expected_from_domains: frozenset[str]
    policy_file: str
    ledger: "LedgerSettings | None"
    dry_run: bool


def read_receive_settings(environment: Environment) -> ReceiveSettings:
    """
    Read the door's settings.

    Raises:
        ValueError: something is missing or wrong; the text names it and no secret.
    """
    return ReceiveSettings(
        queues=_queues(environment),
        callback_tokens=_secret(environment, "CALLBACK_TOKENS", "CALLBACK_TOKENS_PARAMETER"),
        forward_topic_arn=_topic_arn(environment, "FORWARD_TOPIC_ARN"),
    )


def read_block_settings(environment: Environment) -> BlockSettings:
    """
    Read the consumer's settings.

    Raises:
        ValueError: something is missing or wrong; the text names it and no secret.
    """
    endpoint, region = read_endpoint(environment)
    key = _secret(environment, "TENCENTCLOUD_SECRET_KEY", "TENCENT_CREDENTIALS_PARAMETER")
    return BlockSettings(
        queues=_queues(environment),
        secret_id=_required(environment, "TENCENTCLOUD_SECRET_ID") if key.value else "",
        secret_key=key,
        endpoint=endpoint,
        region=region,
        max_emails_per_request=int(
            _number(environment, "MAX_EMAILS_PER_REQUEST", 1000, at_least=1)
        ),
        api_requests_per_second=_number(environment, "API_REQUESTS_PER_SECOND", 5, at_least=1),
        first_retry_seconds=_number(environment, "FIRST_RETRY_SECONDS", 30, at_least=1),
        expected_app_ids=_words(environment, "EXPECTED_APP_IDS"),
        expected_from_domains=_words(environment, "EXPECTED_FROM_DOMAINS"),
        policy_file=environment.get("POLICY_FILE", "").strip() or "strict.toml",
        ledger=read_ledger_settings(environment),
        dry_run=_truth(environment, "DRY_RUN"),
    )


def read_ledger_settings(environment: Environment) -> LedgerSettings | None:
    """
    Read the ledger's settings; None without `LEDGER_TABLE`.

    Raises:
        ValueError: something is missing or wrong; the text names it and no secret.
    """
    table = environment.get("LEDGER_TABLE", "").strip()
    if not table:
        return None
    return LedgerSettings(
        table=table,
        key=_secret(environment, "LEDGER_KEY", "LEDGER_KEY_PARAMETER"),
        retention_days=int(_number(environment, "LEDGER_RETENTION_DAYS", 400, at_least=60)),
        blocks_per_hour=int(_number(environment, "BRAKE_BLOCKS_PER_HOUR", 500, at_least=1)),
        blocks_per_mail=int(_number(environment, "BRAKE_BLOCKS_PER_MAIL", 200, at_least=1)),
    )


def read_endpoint(environment: Environment) -> tuple[str, str]:
    """
    Give the API's base URL and the region, which must belong together.

    Raises:
        ValueError: they do not; the text names those that do.
    """
    host = environment.get("TENCENT_SES_ENDPOINT", "").strip() or "ses.intl.tencentcloudapi.com"
    region = environment.get("TENCENT_SES_REGION", "").strip() or "ap-singapore"
    if _DOUBLE.fullmatch(host):
        return host, region
    if region not in REGIONS_BY_ENDPOINT.get(host, ()):
        pairs = "; ".join(
            f"{known} with {' or '.join(regions)}" for known, regions in REGIONS_BY_ENDPOINT.items()
        )
        raise ValueError(
            f"TENCENT_SES_ENDPOINT {host!r} does not serve TENCENT_SES_REGION {region!r}; "
            f"there are {pairs}"
        )
    return f"https://{host}", region


def _queues(environment: Environment) -> QueueSettings:
    return QueueSettings(
        queue_url=_required(environment, "QUEUE_URL"),
        dead_letter_queue_url=_required(environment, "DEAD_LETTER_QUEUE_URL"),
    )


def _required(environment: Environment, name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"{name} is not set")
    return value


def _secret(environment: Environment, name: str, parameter_name: str) -> Secret:
    """Take the secret where it stands directly, else the parameter's name."""
    secret = Secret(
        value=environment.get(name, "").strip(),
        parameter=environment.get(parameter_name, "").strip(),
    )
    if not secret.value and not secret.parameter:
        raise ValueError(f"set {parameter_name} to the name of an SSM parameter, or {name}")
    return secret


def _topic_arn(environment: Environment, name: str) -> str:
    arn = environment.get(name, "").strip()
    if arn and not _TOPIC_ARN.fullmatch(arn):
        raise ValueError(f"{name} is {arn!r}; it must be the ARN of a standard SNS topic")
    return arn


def _number(environment: Environment, name: str, default: float, *, at_least: float) -> float:
    text = environment.get(name, "").strip() or str(default)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not at_least <= number < float("inf"):
        raise ValueError(f"{name} is {text!r}; it must be a number from {at_least} on")
    return number


def _words(environment: Environment, name: str) -> frozenset[str]:
    words = (word.strip().lower() for word in environment.get(name, "").split(","))
    return frozenset(word for word in words if word)


def _truth(environment: Environment, name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text not in {"", "true", "false"}:
        raise ValueError(f"{name} is {text!r}; it must be true or false")
    return text == "true"
