"""What is asked of CloudWatch: metrics of ours, and of SQS."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its dimensions, and how its values of a period become one."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: Literal["Sum", "Maximum"] = "Sum"


def ours(service: str, name: str, **dimensions: str) -> Metric:
    """Name one of our own."""
    return Metric("SesBlocklist", name, (("service", service), *dimensions.items()))


def age_of_oldest(queue_name: str) -> Metric:
    """Name SQS's own, in seconds; it leaves out what was received more than three times."""
    dimensions = (("QueueName", queue_name),)
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, "Maximum")
