"""
Make metrics of what the functions log.

CloudWatch finds lines in the embedded metric format by itself; the emulator does not. The format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.aws import Aws

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import FilteredLogEventTypeDef

#: A word that every line of the format has in it.
_MARK = "CloudWatchMetrics"
#: Lines of calls that end together do not arrive in the order of their times.
_OVERLAP_MS = 5_000

#: A line of a log: its stream, time and text.
_Line = tuple[str, int, str]


@dataclass(slots=True)
class Place:
    """How far each log group has been read. Belongs to one life of the emulator."""

    _newest_ms: dict[str, int] = field(default_factory=dict)
    _recent: dict[str, Counter[_Line]] = field(default_factory=dict)

    def start_ms(self, log_group: str) -> int:
        """Return the time from which on to read again."""
        return max(0, self._newest_ms.get(log_group, 0) - _OVERLAP_MS)

    def take_new(self, log_group: str, lines: Sequence[_Line]) -> list[str]:
        """Return the texts not seen before among *lines*, all that there are from `start_ms` on."""
        seen = self._recent.get(log_group, Counter())
        new = (Counter(lines) - seen).elements()
        texts = [text for _, _, text in new]
        newest = max((time_ms for _, time_ms, _ in lines), default=0)
        self._newest_ms[log_group] = max(newest, self._newest_ms.get(log_group, 0))
        start_ms = self.start_ms(log_group)
        recent = seen | Counter(lines)
        self._recent[log_group] = Counter(
            {line: count for line, count in recent.items() if line[1] >= start_ms}
        )
        return texts


def publish_metrics(aws: Aws, log_groups: Sequence[str], *, place: Place) -> int:
    """
    Publish what *log_groups* say since the last call with this *place*; return how many values.

    What was published once is not published again.
    """
    cloudwatch: Any = aws.client("cloudwatch")
    published = 0
    for log_group in log_groups:
        for text in place.take_new(log_group, _read(aws, log_group, place.start_ms(log_group))):
            for namespace, datum in metric_data(text):
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
                published += len(datum["Values"])
    return published


def metric_data(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the namespace and the datum for each metric and set of dimensions in *line*."""
    try:
        document = json.loads(line)
    except ValueError:
        return
    if not isinstance(document, dict) or "_aws" not in document:
        return
    time = datetime.fromtimestamp(document["_aws"]["Timestamp"] / 1000, tz=UTC)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": n, "Value": str(document[n])} for n in names],
                        "Timestamp": time,
                        "Unit": metric.get("Unit", "None"),
                        "Values": value if isinstance(value, list) else [value],
                    },
                )


def _read(aws: Aws, log_group: str, start_ms: int) -> list[_Line]:
    logs: CloudWatchLogsClient = aws.client("logs")
    try:
        events: list[FilteredLogEventTypeDef] = [
            event
            for page in logs.get_paginator("filter_log_events").paginate(
                logGroupName=log_group, startTime=start_ms, filterPattern=_MARK
            )
            for event in page["events"]
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []  # the function was never called
    return [
        (event.get("logStreamName", ""), event.get("timestamp", 0), event.get("message", ""))
        for event in events
    ]
