"""Row: a core's events a second, against a handler as tutorials show it."""

import os
from collections.abc import Iterator
from unittest.mock import patch

from bench.handling import client
from bench.measure import Ratio, cpu_seconds
from bench.naive_lambda import lambda_handler
from bench.rows import Row, at_least
from bench.sandbox import BY_LABEL, ENVIRONMENT, sandbox
from bench.servers import serving
from bench.workload import make_workload

ROUNDS = 7
#: Its time for an event does not depend on how many there are, and is long.
NAIVE_EVENTS = 60
FASTER = at_least(300)
NAME = "events a second and core over TLS"


def rows() -> Iterator[Row]:
    """Measure both over TLS, by turns: ours with a full batch, the other with a small one."""
    workload = make_workload()
    small = {"Records": workload.records[:NAIVE_EVENTS]}
    ours, theirs = [], []
    with serving(tls=True) as server:
        environment = {**ENVIRONMENT, "SES_ENDPOINT": server.url}
        with (
            sandbox(BY_LABEL, blocklist=client(server.url)) as handle,
            patch.dict(os.environ, environment),
        ):
            handle(workload.records)  # the first makes the connection
            for _ in range(ROUNDS):
                theirs.append(cpu_seconds(lambda: lambda_handler(small, None)) / NAIVE_EVENTS)
                batch_seconds = cpu_seconds(lambda: handle(workload.records))
                ours.append(batch_seconds / len(workload.records))
    ratio = Ratio.of(theirs, ours)
    yield Row(
        NAME,
        ratio.value,
        "x a client and a call for each event",
        FASTER,
        low=ratio.low,
        high=ratio.high,
        details={"ours": 1 / ratio.theirs, "naive": 1 / ratio.ours},
    )
