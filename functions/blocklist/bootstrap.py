"""
The only place that builds adapters.

Each is built at its first use, imported where it is built, and kept for the life of the sandbox:
the clients because they are dear, the pacer and the tokens because they must remember.
"""

import os
from functools import cache, partial
from typing import TYPE_CHECKING

from functions.blocklist.config import (
    BlockSettings,
    ReceiveSettings,
    Secret,
    read_block_settings,
    read_receive_settings,
)

if TYPE_CHECKING:
    from botocore.config import Config
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

    from functions.blocklist.adapters.dynamo_brake import DynamoBrake
    from functions.blocklist.adapters.dynamo_ledger import DynamoLedger
    from functions.blocklist.adapters.dynamo_table import DynamoTable
    from functions.blocklist.adapters.hashing import KeyedHash
    from functions.blocklist.adapters.pacing import IntervalPacer
    from functions.blocklist.adapters.sns import SnsForwarding
    from functions.blocklist.adapters.sqs import SqsDeadLetters, SqsEventQueue, SqsRedelivery
    from functions.blocklist.adapters.tencent import TencentBlocklist
    from functions.blocklist.adapters.tencent_api import Credentials
    from functions.blocklist.adapters.tokens import RotatingTokens
    from functions.blocklist.domain.decisions import ExpectedSenders
    from functions.blocklist.domain.policy import Policy


@cache
def receive_settings() -> ReceiveSettings:
    """Give the door's settings."""
    return read_receive_settings(os.environ)


@cache
def block_settings() -> BlockSettings:
    """Give the consumer's settings."""
    return read_block_settings(os.environ)


@cache
def tokens() -> "RotatingTokens":
    """Give the callback's tokens."""
    from functions.blocklist.adapters.tokens import RotatingTokens

    return RotatingTokens(partial(_reveal, receive_settings().callback_tokens))


@cache
def event_queue() -> "SqsEventQueue":
    """Give the queue between the two functions, to send to."""
    from functions.blocklist.adapters.sqs import SqsEventQueue, SqsSender

    return SqsEventQueue(SqsSender(_sqs, receive_settings().queues.queue_url))


@cache
def forwarding() -> "SnsForwarding | None":
    """Give the topic that hears of every callback, if there is one."""
    topic_arn = receive_settings().forward_topic_arn
    if not topic_arn:
        return None
    from functions.blocklist.adapters.sns import SnsForwarding

    return SnsForwarding(partial(_sns, topic_arn.split(":")[3]), topic_arn)


@cache
def dead_letters(queue_url: str) -> "SqsDeadLetters":
    """Give the dead-letter queue."""
    from functions.blocklist.adapters.sqs import SqsDeadLetters, SqsSender

    return SqsDeadLetters(SqsSender(_sqs, queue_url))


@cache
def redelivery() -> "SqsRedelivery":
    """Give the queue between the two functions, to hand messages back to."""
    from functions.blocklist.adapters.sqs import SqsRedelivery

    return SqsRedelivery(_sqs, block_settings().queues.queue_url)


@cache
def blocklist() -> "TencentBlocklist":
    """Give Tencent's custom blocklist."""
    from functions.blocklist.adapters.tencent import TencentBlocklist
    from functions.blocklist.adapters.tencent_api import TencentApi

    settings = block_settings()
    api = TencentApi(endpoint=settings.endpoint, region=settings.region, credentials=_credentials)
    return TencentBlocklist(api, max_recipients=settings.max_emails_per_request)


@cache
def pacer() -> "IntervalPacer":
    """Give what spaces this sandbox's requests."""
    from functions.blocklist.adapters.pacing import IntervalPacer

    return IntervalPacer(1 / block_settings().api_requests_per_second)


@cache
def policy() -> "Policy":
    """Give the policy that decides whom to block."""
    from functions.blocklist.adapters.policies import load_policy

    return load_policy(block_settings().policy_file)


def ledger(batch_id: str) -> "tuple[DynamoLedger, DynamoBrake] | None":
    """Give one batch's ledger and the brake that needs it, or None where there is no table."""
    settings = block_settings().ledger
    if not settings:
        return None
    from functions.blocklist.adapters.dynamo_brake import DynamoBrake
    from functions.blocklist.adapters.dynamo_ledger import DynamoLedger

    ledger = DynamoLedger(
        _table(settings.table),
        hashed=_hashed(settings.key),
        retention_days=settings.retention_days,
        policy_version=policy().version,
        batch_id=batch_id,
    )
    brake = DynamoBrake(
        _table(settings.table),
        hashed=_hashed(settings.key),
        per_hour=settings.blocks_per_hour,
        per_mail=settings.blocks_per_mail,
    )
    return ledger, brake


@cache
def expected_senders() -> "ExpectedSenders":
    """Give whose mail the callbacks may be about."""
    from functions.blocklist.domain.decisions import ExpectedSenders

    settings = block_settings()
    return ExpectedSenders(settings.expected_app_ids, settings.expected_from_domains)


def _credentials() -> "Credentials":
    from functions.blocklist.adapters.tencent_api import Credentials, parse_credentials

    settings = block_settings()
    if settings.secret_key.value:
        return Credentials(settings.secret_id, settings.secret_key.value)
    return parse_credentials(_reveal(settings.secret_key))


@cache
def _table(name: str) -> "DynamoTable":
    from functions.blocklist.adapters.dynamo_table import DynamoTable

    return DynamoTable(_dynamodb, name)


@cache
def _hashed(key: Secret) -> "KeyedHash":
    from functions.blocklist.adapters.hashing import KeyedHash

    return KeyedHash(partial(_reveal, key))


def _reveal(secret: Secret) -> str:
    if secret.value:
        return secret.value
    from functions.blocklist.adapters.ssm import read_secret

    return read_secret(_ssm(), secret.parameter)


@cache
def _sqs() -> "SQSClient":
    import boto3

    client: SQSClient = boto3.client("sqs", config=_client_config())
    return client


@cache
def _dynamodb() -> "DynamoDBClient":
    """Give a client that does not check its requests: they are thousands, and all made by us."""
    import boto3
    from botocore.config import Config

    from functions.blocklist.adapters import dynamo_table

    own = Config(
        connect_timeout=dynamo_table.CONNECT_SECONDS,
        read_timeout=dynamo_table.READ_SECONDS,
        max_pool_connections=dynamo_table.CONCURRENCY,
        parameter_validation=False,
    )
    client: DynamoDBClient = boto3.client("dynamodb", config=_client_config().merge(own))
    return client


@cache
def _sns(region: str) -> "SNSClient":
    """Give a client for *region*: a topic of another takes no message from elsewhere."""
    import boto3

    from functions.blocklist.adapters import sns

    config = _client_config(connect_seconds=sns.CONNECT_SECONDS, read_seconds=sns.READ_SECONDS)
    client: SNSClient = boto3.client("sns", region_name=region, config=config)
    return client


@cache
def _ssm() -> "SSMClient":
    import boto3

    client: SSMClient = boto3.client("ssm", config=_client_config(attempts=2))
    return client


def _client_config(
    *,
    attempts: int = 1,
    connect_seconds: float | None = None,
    read_seconds: float | None = None,
) -> "Config":
    """
    Give short timeouts, and no tries but our own: a callback waits, and a batch has a deadline.

    Secrets are asked for twice: a connection that was idle while the sandbox was frozen fails once.
    What botocore has to say below INFO holds messages and secrets.
    """
    import logging

    from botocore.config import Config

    from functions.blocklist.adapters import sqs

    for chatty in ("botocore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.INFO)
    return Config(
        connect_timeout=connect_seconds or sqs.CONNECT_SECONDS,
        read_timeout=read_seconds or sqs.READ_SECONDS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=sqs.CONCURRENCY,
    )
