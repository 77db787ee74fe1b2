"""Rows: how many requests Tencent gets, and how much of the permitted rate a backlog uses."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from multiprocessing import get_context

from bench.rows import Row, at_least, exactly
from bench.sandbox import BY_LABEL, sandbox
from bench.servers import DOCUMENTED_RATE, Seen, Server, serving
from bench.workload import Workload, make_workload

#: One that divides what there is badly, and the default.
SIZES = (170, 1000)

#: What `serverless.yml` permits: so many sandboxes, so many requests a second each.
SANDBOXES, RATE = 2, 5
BACKLOG_REQUESTS = 50
LATENCY_SECONDS = 0.2
SHARE = at_least(0.9)


def rows() -> Iterator[Row]:
    """Count requests, then drain a backlog; this takes ten seconds, of which we sleep most."""
    for size in SIZES:
        yield _requests_row(size)
    yield from _rate_rows()


def _requests_row(size: int) -> Row:
    """Hold the requests of one batch against the fewest that can carry its addresses."""
    workload = make_workload()
    with serving() as server:
        _handle(server, workload, max_emails=size)
        seen = server.seen()
    addresses: defaultdict[str | None, set[str]] = defaultdict(set)
    for request in seen:
        addresses[request.until].update(request.recipients)
    if set().union(*addresses.values()) != workload.recipients:
        raise RuntimeError("not those were blocked who were to be")
    fewest = sum(math.ceil(len(group) / size) for group in addresses.values())
    return Row(
        f"requests for a full batch, {size:,} addresses each",
        len(seen) / fewest,
        "x the fewest there can be",
        exactly(1),
        exact=True,
        details={"requests": len(seen), "fewest": fewest, "addresses": len(workload.recipients)},
    )


def _rate_rows() -> Iterator[Row]:
    with serving(latency_seconds=LATENCY_SECONDS, requests_per_second=DOCUMENTED_RATE) as server:
        spawn = get_context("spawn")
        drains = [spawn.Process(target=_drain, args=(server, seed)) for seed in range(SANDBOXES)]
        for drain in drains:
            drain.start()
        for drain in drains:
            drain.join()
        if any(drain.exitcode for drain in drains):
            raise RuntimeError("a sandbox did not drain its part")
        seen = server.seen()
    yield Row(
        f"share of the permitted rate for a backlog, answers after {LATENCY_SECONDS:g} s",
        _rate(seen) / (SANDBOXES * RATE),
        "",
        SHARE,
        details={"requests": len(seen), "requests_per_second": _rate(seen)},
    )
    yield Row(
        "requests refused meanwhile for their rate",
        sum(request.outcome == "RequestLimitExceeded" for request in seen),
        "",
        exactly(0),
        exact=True,
    )


def _rate(seen: Sequence[Seen]) -> float:
    """Give the starts a second, from the first to the last of them."""
    starts = sorted(request.started_at for request in seen)
    return (len(starts) - SANDBOXES) / (starts[-1] - starts[0])


def _drain(server: Server, seed: int) -> None:
    """Be a sandbox with so many addresses that they need `BACKLOG_REQUESTS`."""
    workload = make_workload(seed=seed)
    size = math.ceil(len(workload.recipients) / BACKLOG_REQUESTS)
    _handle(server, workload, max_emails=size)


def _handle(server: Server, workload: Workload, *, max_emails: int) -> None:
    environment = {
        **BY_LABEL,
        "TENCENT_SES_ENDPOINT": server.url,
        "MAX_EMAILS_PER_REQUEST": str(max_emails),
        "API_REQUESTS_PER_SECOND": str(RATE),
    }
    with sandbox(environment) as handle:
        handle(workload.records)
