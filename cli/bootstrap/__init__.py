"""
The only place that builds adapters, each imported where it is built: `--help` must not wait.

* `here`      needs no account: judgement, pages, pace, the door as seen from outside
* `accounts`  the operator's AWS account
* `stages`    one stage: its stack, settings, queues, trigger and address
* `lists`     Tencent's two lists, by whose key, at one pace
* `ledgers`   a stage's ledger, its policy's terms, and what settles both with Tencent

Commands ask for everything as `bootstrap.NAME`. What is kept, is kept for one command.
"""

from cli.bootstrap.accounts import aws, caller, metrics, secrets
from cli.bootstrap.here import door, judge, pacer, page, sleep
from cli.bootstrap.ledgers import ledger, ledger_if_any, policy_file, settling, terms
from cli.bootstrap.lists import has_own_key, tencent, tencent_of_stage, tencent_with
from cli.bootstrap.stages import (
    callback_url,
    consumer,
    consumer_environment,
    dead_letter_queue,
    is_dry_run,
    oldest_arrival,
    source_queue,
    stack,
    stack_if_any,
    switch,
)

__all__ = [
    "aws",
    "callback_url",
    "caller",
    "consumer",
    "consumer_environment",
    "dead_letter_queue",
    "door",
    "has_own_key",
    "is_dry_run",
    "judge",
    "ledger",
    "ledger_if_any",
    "metrics",
    "oldest_arrival",
    "pacer",
    "page",
    "policy_file",
    "secrets",
    "settling",
    "sleep",
    "source_queue",
    "stack",
    "stack_if_any",
    "switch",
    "tencent",
    "tencent_of_stage",
    "tencent_with",
    "terms",
]
