"""
The only place that builds adapters, each imported where it is built: `--help` must not wait.

What is kept, is kept for one command.
"""

import os
import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from cli.errors import MendFirstError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb import DynamoDBClient

    from cli.adapters.aws import Aws, Caller
    from cli.adapters.judging import Judge
    from cli.adapters.ledger import Ledger
    from cli.adapters.metrics import Metrics
    from cli.adapters.queues import Queue
    from cli.adapters.secrets import Secrets
    from cli.adapters.settling import Settling
    from cli.adapters.stacks import Function, Stack
    from cli.adapters.tencent import TencentLists
    from cli.adapters.triggers import Switch
    from cli.logic.reports import Report
    from functions.blocklist.adapters.pacing import IntervalPacer
    from functions.blocklist.adapters.tencent_api import Credentials
    from functions.blocklist.domain.terms import Terms


def judge() -> "Judge":
    """Give the pipeline's classifier and policy."""
    from cli.adapters.judging import Judge

    return Judge()


@cache
def aws() -> "Aws":
    """Give the operator's AWS account."""
    from cli.adapters.aws import Aws

    return Aws(os.environ)


@cache
def stack(stage: str) -> "Stack":
    """Give what the stack of *stage* tells about itself."""
    from cli.adapters.stacks import read_stack

    return read_stack(aws(), stage)


@cache
def stack_if_any(stage: str) -> "Stack | None":
    """Give the same, or None where *stage* is not deployed yet."""
    from cli.adapters.stacks import NoStackError

    try:
        return stack(stage)
    except NoStackError:
        return None


@cache
def consumer(stage: str) -> "Function":
    """Give how the consumer of *stage* is set."""
    from cli.adapters.stacks import read_function

    return read_function(aws(), stack(stage).output("BlockRecipientsFunction"))


def page(report: "Report", *, title: str, period: str) -> str:
    """Give a report as a page of HTML with plots."""
    from cli.adapters.pages import as_page

    return as_page(report, title=title, period=period)


def consumer_environment(stage: str) -> Mapping[str, str]:
    """Give the settings that the consumer of *stage* runs with."""
    return consumer(stage).environment


def is_dry_run(stage: str) -> bool:
    """Tell whether the consumer of *stage* blocks nobody."""
    return consumer_environment(stage).get("DRY_RUN", "").strip().lower() == "true"


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


def tencent_of_stage(stage: str) -> "TencentLists":
    """Give the same as the consumer of *stage* sees it, with its key and its endpoint."""
    endpoint = _endpoint(consumer_environment(stage))
    return _lists(_key_of_stage(stage), endpoint, requests_per_second=1)


def tencent_with(secret_id: str, secret_key: str, stage: str) -> "TencentLists":
    """Give the same with a key that is not stored anywhere yet, where *stage* is to use it."""
    from functions.blocklist.adapters.tencent_api import Credentials

    told = _names_endpoint() or not stack_if_any(stage)
    endpoint = _endpoint(os.environ if told else consumer_environment(stage))
    return _lists(Credentials(secret_id, secret_key), endpoint, requests_per_second=1)


def secrets(*, kms_key_arn: str = "") -> "Secrets":
    """Give where secrets are stored, encrypted with *kms_key_arn* or with AWS' own key."""
    from cli.adapters.secrets import Secrets

    return Secrets(aws(), kms_key_arn=kms_key_arn)


def callback_url(stage: str) -> str:
    """
    Give the address that Tencent calls, with its token.

    Raises:
        CliError: the stage is not deployed, or its tokens cannot be read.
    """
    from functions.blocklist.adapters.tokens import parse_tokens
    from functions.blocklist.domain.errors import ConfigurationError

    name = stack(stage).output("CallbackTokensParameter")
    try:
        current, *_ = parse_tokens(secrets().read_existing(name))
    except ConfigurationError:
        raise MendFirstError(
            f"{name} holds no token of 16 characters or more: every callback is answered 503.",
            f"Make one: ses-blocklist init {stage} --new-token",
        ) from None
    base = stack(stage).output("CallbackBaseUrl")
    return aws().reachable(base) + current.decode(errors="surrogatepass")


def source_queue(stage: str) -> "Queue":
    """Give the queue of events that wait to be blocked."""
    from cli.adapters.queues import Queue

    return Queue(aws(), stack(stage).output("QueueUrl"))


def dead_letter_queue(stage: str) -> "Queue":
    """Give the queue of what could not be done."""
    from cli.adapters.queues import Queue

    return Queue(aws(), stack(stage).output("DeadLetterQueueUrl"))


def switch(stage: str) -> "Switch":
    """Give the trigger between the queue and the consumer."""
    from cli.adapters.triggers import Switch

    return Switch(aws(), stack(stage).output("EventSourceMapping"))


def metrics() -> "Metrics":
    """Give what CloudWatch knows."""
    from cli.adapters.metrics import Metrics

    return Metrics(aws())


def oldest_arrival(stage: str, *, now: float) -> float | None:
    """Give when the oldest event on the queue came, in epoch seconds, if CloudWatch knows."""
    from cli.adapters.metrics import age_of_oldest

    metric = age_of_oldest(stack(stage).output("QueueUrl").rpartition("/")[2])
    points = metrics().points([metric], since=now - 900, until=now, period_seconds=60)[metric]
    if not points:
        return None
    latest = max(points)
    return latest - points[latest]


def caller() -> "Caller":
    """Give who asks, as AWS knows them: it stands beside what they decide."""
    from cli.adapters.aws import caller

    return caller(aws())


def door() -> "Callable[[str], int | str]":
    """Give what calls the callback address."""
    from cli.adapters.door import answer_of

    return answer_of


def sleep(seconds: float) -> None:
    """Wait between two looks."""
    time.sleep(seconds)


def pacer(starts_per_second: float) -> "IntervalPacer":
    """Give what spaces steps."""
    from functions.blocklist.adapters.pacing import IntervalPacer

    return IntervalPacer(1 / starts_per_second)


def ledger(stage: str) -> "Ledger":
    """
    Give the ledger of *stage*.

    Raises:
        MendFirstError: the stage keeps none.
    """
    found = ledger_if_any(stage)
    if found is None:
        raise MendFirstError(
            f"Stage {stage} keeps no ledger.",
            f'With one it can tell why: make deploy STAGE={stage} PARAMS="ledger=on"',
        )
    return found


@cache
def ledger_if_any(stage: str) -> "Ledger | None":
    """Give the ledger of *stage*, or None where it keeps none."""
    from functions.blocklist.config import read_ledger_settings

    settings = read_ledger_settings(consumer_environment(stage))
    if settings is None:
        return None
    from cli.adapters.ledger import Ledger
    from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
    from functions.blocklist.adapters.dynamo_table import DynamoTable
    from functions.blocklist.adapters.hashing import KeyedHash
    from functions.blocklist.adapters.ssm import read_secret

    client: DynamoDBClient = aws().client("dynamodb")
    key = settings.key
    table = DynamoTable(lambda: client, settings.table)
    hashed = KeyedHash(lambda: key.value or read_secret(aws().client("ssm"), key.parameter))
    own = DynamoLedger(
        table,
        hashed=hashed,
        retention_days=settings.retention_days,
        policy_version="operator",
        batch_id=f"operator-{uuid.uuid4().hex[:12]}",
    )
    return Ledger(client, settings.table, table, own)


def policy_file(stage: str) -> str:
    """Give the name of the policy of *stage*."""
    return consumer_environment(stage).get("POLICY_FILE", "").strip() or "strict.toml"


def terms(stage: str) -> "Terms":
    """Give how long the policy of *stage* blocks."""
    from functions.blocklist.adapters.policies import load_policy

    name = policy_file(stage)
    try:
        return load_policy(name).terms
    except (OSError, ValueError) as error:
        raise MendFirstError(
            f"The policy {name} of stage {stage} cannot be read here: {error}.",
            "Run the command from the clone that the stage was deployed from.",
        ) from None


def settling(stage: str, *, requests_per_second: float) -> "Settling":
    """Give what brings people at Tencent to where the ledger of *stage* says they belong."""
    from cli.adapters.settling import Settling

    lists = tencent(stage, requests_per_second=requests_per_second)
    return Settling(ledger(stage), lists, terms(stage))


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
        pacer(requests_per_second),
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
    name = stack(stage).output("TencentCredentialsParameter")
    try:
        return parse_credentials(read_secret(aws().client("ssm"), name))
    except BlocklistError as error:
        raise explain(error, action=f"reading {name}") from None


def _names_endpoint() -> bool:
    return bool(os.environ.get("TENCENT_SES_ENDPOINT", "").strip())


def _environment_of(stage: str | None) -> Mapping[str, str]:
    return consumer_environment(stage) if stage else {}


def _endpoint(environment: Mapping[str, str]) -> tuple[str, str]:
    from functions.blocklist.config import read_endpoint

    try:
        return read_endpoint(environment)
    except ValueError as error:
        raise MendFirstError(f"{error}.") from None
