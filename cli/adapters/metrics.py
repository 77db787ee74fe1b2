"""What CloudWatch knows: ours in the namespace SesBlocklist, and SQS's own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.adapters.aws import Aws, aws_errors
from cli.logic.measures import Metric

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

#: As many as one request takes.
MAX_METRICS = 500


class Metrics:
    """Reads metrics of the account's region: those of all its stages count into one."""

    def __init__(self, aws: Aws) -> None:
        self._cloudwatch: CloudWatchClient = aws.client("cloudwatch")

    def points(
        self, metrics: Sequence[Metric], *, since: float, until: float, period_seconds: int
    ) -> Mapping[Metric, Mapping[float, float]]:
        """Give for each of *metrics* its values by the beginning of their period, epoch seconds."""
        with aws_errors():
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[
                    {
                        "Id": f"m{position}",
                        "MetricStat": {
                            "Metric": {
                                "Namespace": metric.namespace,
                                "MetricName": metric.name,
                                "Dimensions": [
                                    {"Name": name, "Value": value}
                                    for name, value in metric.dimensions
                                ],
                            },
                            "Period": period_seconds,
                            "Stat": metric.statistic,
                        },
                    }
                    for position, metric in enumerate(metrics)
                ],
                StartTime=datetime.fromtimestamp(since, tz=UTC),
                EndTime=datetime.fromtimestamp(until, tz=UTC),
            )
            found: dict[Metric, dict[float, float]] = {metric: {} for metric in metrics}
            for page in pages:
                for result in page["MetricDataResults"]:
                    metric = metrics[int(result.get("Id", "m")[1:])]
                    times = [each.timestamp() for each in result.get("Timestamps", [])]
                    found[metric] |= dict(zip(times, result.get("Values", []), strict=True))
        return found
