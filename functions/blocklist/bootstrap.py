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
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

    from functions.blocklist.adapters.pacing import IntervalPacer
    from functions.blocklist.adapters.sqs import SqsDeadLetters, SqsEventQueue, SqsRedelivery
    from functions.blocklist.adapters.tencent import TencentBlocklist
    from functions.blocklist.adapters.tencent_api import Credentials
    from functions.blocklist.adapters.tokens import RotatingTokens
    from functions.blocklist.domain.decisions import ExpectedSenders


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
def _ssm() -> "SSMClient":
    import boto3

    client: SSMClient = boto3.client("ssm", config=_client_config(attempts=2))
    return client


def _client_config(*, attempts: int = 1) -> "Config":
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
        connect_timeout=sqs.CONNECT_SECONDS,
        read_timeout=sqs.READ_SECONDS,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=sqs.CONCURRENCY,
    )
