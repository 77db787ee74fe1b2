"""What the functions wrote."""

from typing import TYPE_CHECKING

from local.pipeline import Pipeline

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient


def read_logs(pipeline: Pipeline) -> str:
    """Give all that both functions wrote, whatever the emulator added included."""
    logs: CloudWatchLogsClient = pipeline.aws.client("logs")
    return "\n".join(
        event["message"]
        for group in pipeline.stack.log_groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    )
