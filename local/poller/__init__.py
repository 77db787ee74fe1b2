"""
Stands in for Lambda's event source mapping on an SQS queue.

The emulator's own never gives more than ten messages at a time, knows no batching window, and
deletes messages that a malformed answer was about, so it is switched off (`local/emulator.py`).
This poller does what AWS documents:
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and the pages below it, named where they
are followed. Filters and FIFO's order of message groups are not part of it.

    with Poller(aws, mapping_uuid) as poller:
        ...
        poller.counts
"""

from local.poller.batches import WindowStart
from local.poller.counters import Counts
from local.poller.mapping import Mapping, RefusedToStartError
from local.poller.poller import Poller
from local.poller.targets import InvocationError, Invoke, ThrottledError, in_process

__all__ = [
    "Counts",
    "InvocationError",
    "Invoke",
    "Mapping",
    "Poller",
    "RefusedToStartError",
    "ThrottledError",
    "WindowStart",
    "in_process",
]
