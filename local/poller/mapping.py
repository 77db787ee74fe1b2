"""
An event source mapping's configuration, read where AWS keeps it, and what AWS would not accept.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.aws import Aws

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import (
        EventSourceMappingConfigurationResponseTypeDef,
        FunctionConfigurationResponseTypeDef,
    )

#: "Five batches at a time": https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
_FIRST_BATCHES = 5
#: What a mapping without MaximumConcurrency grows to, in round figures; same page.
_UNBOUNDED_CONCURRENCY = 1000
_SMALL_BATCH = 10

_BATCH_SIZES = range(1, 10_001)
_WINDOWS_SECONDS = range(301)
_CONCURRENCIES = range(2, 1001)


class RefusedToStartError(ValueError):
    """AWS would not accept the mapping, or this poller cannot do what it asks for."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a mapping says, and what its queue and its function say about it."""

    uuid: str
    queue_arn: str
    function_arn: str
    role_arn: str
    function_timeout_seconds: int
    batch_size: int
    window_seconds: int
    max_concurrency: int | None
    reports_item_failures: bool
    has_filters: bool

    @property
    def is_fifo(self) -> bool:
        """Whether the queue keeps an order, which rules large batches out."""
        return self.queue_arn.endswith(".fifo")

    @property
    def max_in_flight(self) -> int:
        """How many invocations there may be at a time."""
        return self.max_concurrency or _UNBOUNDED_CONCURRENCY

    @property
    def collectors(self) -> int:
        """How many batches are collected at a time: what one window brings is split over them."""
        return min(_FIRST_BATCHES, self.max_in_flight)


def read_mapping(aws: Aws, mapping_uuid: str) -> Mapping:
    """Return what GetEventSourceMapping and the function's configuration say."""
    lambda_client: LambdaClient = aws.client("lambda")
    mapping = lambda_client.get_event_source_mapping(UUID=mapping_uuid)
    function = lambda_client.get_function_configuration(FunctionName=mapping["FunctionArn"])
    return to_mapping(mapping, function)


def to_mapping(
    mapping: "EventSourceMappingConfigurationResponseTypeDef",
    function: "FunctionConfigurationResponseTypeDef",
) -> Mapping:
    """Unite the two answers; what they do not say has AWS's default."""
    return Mapping(
        uuid=mapping["UUID"],
        queue_arn=mapping["EventSourceArn"],
        function_arn=mapping["FunctionArn"],
        role_arn=function["Role"],
        function_timeout_seconds=function["Timeout"],
        batch_size=mapping.get("BatchSize", _SMALL_BATCH),
        window_seconds=mapping.get("MaximumBatchingWindowInSeconds", 0),
        max_concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency"),
        reports_item_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
        has_filters=bool(mapping.get("FilterCriteria", {}).get("Filters")),
    )


def check(mapping: Mapping, *, visibility_seconds: int) -> str | None:
    """
    Return a warning, if there is one to give.

    Raises:
        RefusedToStartError: The mapping is not possible; the message has a line for each reason.
    """
    if reasons := refusals(mapping, visibility_seconds=visibility_seconds):
        raise RefusedToStartError("\n".join(reasons))
    advised = 6 * mapping.function_timeout_seconds + mapping.window_seconds
    if visibility_seconds < advised:
        return (
            f"the queue's visibility timeout of {visibility_seconds} s is less than 6 x the "
            f"function's timeout + the batching window = {advised} s"
        )
    return None


def refusals(mapping: Mapping, *, visibility_seconds: int) -> list[str]:
    """Return all reasons not to start."""
    is_large = mapping.batch_size > _SMALL_BATCH
    reasons = {
        "BatchSize must be 1 to 10000": mapping.batch_size not in _BATCH_SIZES,
        "the batching window must be 0 to 300 s": mapping.window_seconds not in _WINDOWS_SECONDS,
        "BatchSize over 10 needs a batching window": is_large and mapping.window_seconds == 0,
        "a FIFO queue takes neither a batching window nor BatchSize over 10": mapping.is_fifo
        and (is_large or mapping.window_seconds != 0),
        "MaximumConcurrency must be 2 to 1000": mapping.max_concurrency is not None
        and mapping.max_concurrency not in _CONCURRENCIES,
        f"the queue's visibility timeout of {visibility_seconds} s is less than the function's "
        f"timeout of {mapping.function_timeout_seconds} s": visibility_seconds
        < mapping.function_timeout_seconds,
        "FilterCriteria are not supported: the function would be invoked with what AWS deletes": (
            mapping.has_filters
        ),
    }
    return [reason for reason, holds in reasons.items() if holds]
