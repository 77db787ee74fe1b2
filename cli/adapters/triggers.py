"""The event source mapping between the queue and the consumer: off, and nobody is blocked."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.adapters.aws import Aws, aws_errors
from cli.errors import TryAgainError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

POLL_SECONDS, PATIENCE_SECONDS = 1.0, 120.0
#: States in which Lambda leaves a mapping; the others are on their way to one of them.
_AT_REST = {"Enabled": True, "Disabled": False}


@dataclass(frozen=True, slots=True)
class Trigger:
    """A mapping, as Lambda describes it."""

    state: str
    batch_size: int
    window_seconds: int
    max_concurrency: int | None
    reports_item_failures: bool
    last_result: str

    @property
    def is_on(self) -> bool:
        """Tell whether events are handed to the consumer, or will be in a moment."""
        return self.state in {"Enabled", "Enabling", "Creating", "Updating"}


class Switch:
    """The mapping *uuid*, to look at and to switch."""

    def __init__(self, aws: Aws, uuid: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lambda: LambdaClient = aws.client("lambda")
        self._uuid = uuid
        self._sleep = sleep

    def read(self) -> Trigger:
        """Look."""
        with aws_errors():
            found = self._lambda.get_event_source_mapping(UUID=self._uuid)
        return Trigger(
            state=found.get("State", ""),
            batch_size=found.get("BatchSize", 10),
            window_seconds=found.get("MaximumBatchingWindowInSeconds", 0),
            max_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
            reports_item_failures="ReportBatchItemFailures"
            in found.get("FunctionResponseTypes", []),
            last_result=found.get("LastProcessingResult", ""),
        )

    def turn(self, *, on: bool) -> None:
        """
        Switch, and wait until it is so.

        Raises:
            TryAgainError: Lambda takes its time.
        """
        with aws_errors():
            self._lambda.update_event_source_mapping(UUID=self._uuid, Enabled=on)
        waited = 0.0
        while _AT_REST.get(self.read().state) is not on:
            if waited >= PATIENCE_SECONDS:
                raise TryAgainError(
                    f"Lambda is told, and still not done after {PATIENCE_SECONDS:g} s.",
                    "See how it goes on: ses-blocklist status --stage STAGE",
                )
            self._sleep(POLL_SECONDS)
            waited += POLL_SECONDS
