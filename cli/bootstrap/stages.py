"""One stage: what its stack says, its settings, its queues and trigger, and its address."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from cli.bootstrap import accounts
from cli.errors import MendFirstError
from cli.logic.measures import age_of_oldest

if TYPE_CHECKING:
    from cli.adapters.queues import Queue
    from cli.adapters.stacks import Function, Stack
    from cli.adapters.triggers import Switch


@cache
def stack(stage: str) -> "Stack":
    """Give what the stack of *stage* tells about itself."""
    from cli.adapters.stacks import read_stack

    return read_stack(accounts.aws(), stage)


@cache
def stack_if_any(stage: str) -> "Stack | None":
    """Give the same, or None where *stage* is not deployed yet."""
    from cli.adapters.stacks import NoStackError

    try:
        return stack(stage)
    except NoStackError:
        return None


@cache
def consumer(stage: str) -> "Function":
    """Give how the consumer of *stage* is set."""
    from cli.adapters.stacks import read_function

    return read_function(accounts.aws(), stack(stage).output("BlockRecipientsFunction"))


def consumer_environment(stage: str) -> Mapping[str, str]:
    """Give the settings that the consumer of *stage* runs with."""
    return consumer(stage).environment


def is_dry_run(stage: str) -> bool:
    """Tell whether the consumer of *stage* blocks nobody."""
    return consumer_environment(stage).get("DRY_RUN", "").strip().lower() == "true"


def source_queue(stage: str) -> "Queue":
    """Give the queue of events that wait to be blocked."""
    from cli.adapters.queues import Queue

    return Queue(accounts.aws(), stack(stage).output("QueueUrl"))


def dead_letter_queue(stage: str) -> "Queue":
    """Give the queue of what could not be done."""
    from cli.adapters.queues import Queue

    return Queue(accounts.aws(), stack(stage).output("DeadLetterQueueUrl"))


def switch(stage: str) -> "Switch":
    """Give the trigger between the queue and the consumer."""
    from cli.adapters.triggers import Switch

    return Switch(accounts.aws(), stack(stage).output("EventSourceMapping"))


def oldest_arrival(stage: str, *, now: float) -> float | None:
    """Give when the oldest event on the queue came, in epoch seconds, if CloudWatch knows."""
    metric = age_of_oldest(stack(stage).output("QueueUrl").rpartition("/")[2])
    cloudwatch = accounts.metrics()
    points = cloudwatch.points([metric], since=now - 900, until=now, period_seconds=60)[metric]
    if not points:
        return None
    latest = max(points)
    return latest - points[latest]


def callback_url(stage: str) -> str:
    """
    Give the address that Tencent calls, with its token.

    Raises:
        CliError: the stage is not deployed, or its tokens cannot be read.
    """
    from functions.blocklist.adapters.tokens import parse_tokens
    from functions.blocklist.domain.errors import ConfigurationError

    name = stack(stage).output("CallbackTokensParameter")
    try:
        current, *_ = parse_tokens(accounts.secrets().read_existing(name))
    except ConfigurationError:
        raise MendFirstError(
            f"{name} holds no token of 16 characters or more: every callback is answered 503.",
            f"Make one: ses-blocklist init {stage} --new-token",
        ) from None
    base = stack(stage).output("CallbackBaseUrl")
    return accounts.aws().reachable(base) + current.decode(errors="surrogatepass")
