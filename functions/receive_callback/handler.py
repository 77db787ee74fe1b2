"""Lambda: HTTPS callbacks in, their events on the queue."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.blocklist import bootstrap
from functions.blocklist.adapters.callback import parse_callback
from functions.blocklist.adapters.http import answer, parse_request
from functions.blocklist.services.receive_callback import UNAVAILABLE, Receipt, receive_callback

#: For answering, after the last try has failed.
MARGIN_SECONDS = 0.5

logger = Logger(service="receive_callback")
metrics = Metrics(namespace="SesBlocklist", service="receive_callback")


@logger.inject_lambda_context(log_event=False)  # whatever POWERTOOLS_LOGGER_LOG_EVENT says
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a front door's event and give the HTTP answer."""
    end = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    receipt = receive_callback(
        parse_request(event),
        parse=parse_callback,
        tokens=bootstrap.tokens(),
        queue=bootstrap.event_queue(),
        dead_letters=bootstrap.dead_letters(
            bootstrap.receive_settings().queues.dead_letter_queue_url
        ),
        forwarding=bootstrap.forwarding(),
        before=end,
    )
    _log(receipt)
    _count(receipt)
    return answer(
        receipt.status,
        {"kept": receipt.kept, "dead_letters": sum(receipt.dead_letters.values())},
    )


def _log(receipt: Receipt) -> None:
    if receipt.error:
        logger.error("callback tokens cannot be read", code=receipt.error.code)
    if receipt.failed:
        logger.error("events not kept", codes=receipt.failed)
    if receipt.dead_letters:
        logger.warning("events sent to the dead-letter queue", codes=receipt.dead_letters)
    if receipt.forward_failed:
        logger.warning("callback not forwarded", code=receipt.forward_failed)


def _count(receipt: Receipt) -> None:
    """Write one line for each name of an event: Tencent documents one event for each callback."""
    for name, number in receipt.events.items():
        metrics.add_dimensions(service=metrics.service, Event=name)
        metrics.add_metric("Events", MetricUnit.Count, number)
        if receipt.previous_token:
            metrics.add_metric("PreviousToken", MetricUnit.Count, 1)
        metrics.flush_metrics()
    for code, number in receipt.dead_letters.items():
        metrics.add_dimensions(service=metrics.service, ErrorCode=code)
        metrics.add_metric("DeadLetters", MetricUnit.Count, number)
        metrics.flush_metrics()
    if receipt.status == UNAVAILABLE:
        metrics.add_metric("Unavailable", MetricUnit.Count, 1)
        metrics.flush_metrics()
    if receipt.forward_failed:
        metrics.add_metric("ForwardFailed", MetricUnit.Count, 1)
        metrics.flush_metrics()
