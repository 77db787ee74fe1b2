"""Lambda: a batch of queue messages in, blocked recipients out, and the ids to deliver again."""

import gc
import random
import time
from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.blocklist import bootstrap
from functions.blocklist.adapters.policies import PolicyError
from functions.blocklist.adapters.records import RecordMessage
from functions.blocklist.domain.decisions import SMOKE, Judge
from functions.blocklist.domain.errors import ConfigurationError
from functions.blocklist.services.block_recipients import (
    TimeLimits,
    block_recipients,
    hand_back,
)
from functions.blocklist.services.reports import BlockReport, Outcome

#: Different codes in one log line; the rest is in the metrics.
MAX_LOGGED_ERRORS = 10

# What is made for a batch lives until its end: to look for rubbish meanwhile finds nothing.
gc.set_threshold(50_000)

logger = Logger(service="block_recipients")
metrics = Metrics(namespace="SesBlocklist", service="block_recipients")


@logger.inject_lambda_context(log_event=False)  # whatever POWERTOOLS_LOGGER_LOG_EVENT says
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an SQS batch and give the ids that SQS must deliver again."""
    limits = TimeLimits.within(context.get_remaining_time_in_millis() / 1000, now=time.monotonic())
    settings, redelivery = bootstrap.block_settings(), bootstrap.redelivery()
    messages = [RecordMessage(record) for record in event["Records"]]
    try:
        policy = bootstrap.policy()
    except PolicyError as error:
        logger.error("policy cannot be used", problem=str(error))  # noqa: TRY400 - it names file and line
        report = hand_back(
            messages,
            error=ConfigurationError("PolicyCannotBeUsed"),
            redelivery=redelivery,
            limits=limits,
            first_wait_seconds=settings.first_retry_seconds,
            spread=_spread,
        )
    else:
        report = block_recipients(
            messages,
            decide=Judge(policy, expected=bootstrap.expected_senders()).decide,
            terms=policy.terms,
            ledger=bootstrap.ledger(context.aws_request_id),
            blocklist=bootstrap.blocklist(),
            pacer=bootstrap.pacer(),
            dead_letters=bootstrap.dead_letters(settings.queues.dead_letter_queue_url),
            redelivery=redelivery,
            limits=limits,
            now=time.time(),
            first_wait_seconds=settings.first_retry_seconds,
            spread=_spread,
            dry_run=settings.dry_run,
        )
    _log(report)
    _count(report)
    return {
        "batchItemFailures": [
            {"itemIdentifier": queue_message_id} for queue_message_id in report.retry_message_ids
        ]
    }


def _spread() -> float:
    return random.uniform(1, 1.25)  # noqa: S311 - no secret


def _log(report: BlockReport) -> None:
    for letter in report.dead_lettered:
        logger.warning(
            "message sent to the dead-letter queue",
            queue_message_id=letter.queue_message_id,
            code=letter.refusal.code,
            request_id=letter.refusal.request_id,
        )
    if report.not_dead_lettered:
        logger.error("dead letters not sent, to retry", codes=report.not_dead_lettered)
    if report.ledger_errors:
        logger.error(
            "ledger failed, to retry",
            recipients={f"{kind} {code}": n for (kind, code), n in report.ledger_errors.items()},
        )
    totals = report.totals
    if totals.errors:
        logger.error(
            "requests failed",
            errors={
                f"{kind} {code}": number
                for (kind, code), number in totals.errors.most_common(MAX_LOGGED_ERRORS)
            },
            request_id=totals.last_failed_request_id,
            messages_to_retry=len(report.retry_message_ids),
        )


def _count(report: BlockReport) -> None:
    totals = report.totals
    counts = {
        "Received": sum(report.messages.values()),
        "Accepted": report.messages[Outcome.ACCEPTED],
        "Ignored": report.messages[Outcome.IGNORED],
        "Retried": report.messages[Outcome.RETRIED],
        "DeadLettered": report.messages[Outcome.DEAD_LETTERED],
        "Sent": totals.sent,
        "Added": totals.added,
        "Repeated": totals.repeated,
        "Refused": totals.refused,
        "Uncounted": totals.uncounted,
        "ApiRequests": totals.requests,
        "RateLimited": totals.rate_limited,
        "ConfigurationErrors": totals.configuration_errors,
        "MostReceives": report.most_receives,
    }
    for name, number in counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    if report.oldest_accepted_at is not None:
        age_seconds = max(0.0, time.time() - report.oldest_accepted_at)
        metrics.add_metric("EndToEndSeconds", MetricUnit.Seconds, age_seconds)
    if smoke := report.decisions.get((SMOKE.rule, SMOKE.action)):
        metrics.add_metric("Smoke", MetricUnit.Count, smoke)
    if report.ledger_errors:
        number = sum(report.ledger_errors.values())
        metrics.add_metric("LedgerErrors", MetricUnit.Count, number)
    metrics.flush_metrics()
    for (rule, action), number in report.decisions.items():
        metrics.add_dimensions(service=metrics.service, Decision=action, Rule=rule)
        metrics.add_metric("Decisions", MetricUnit.Count, number)
        metrics.flush_metrics()
    for code, number in Counter(letter.refusal.code for letter in report.dead_lettered).items():
        metrics.add_dimensions(service=metrics.service, ErrorCode=code)
        metrics.add_metric("DeadLetters", MetricUnit.Count, number)
        metrics.flush_metrics()
