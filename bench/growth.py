"""Row: whether an event costs more when there are many. Nothing may be kept that grows."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median

from bench.measure import cpu_seconds
from bench.rows import Row, at_most
from bench.sandbox import BY_LABEL, CountingBlocklist, Handle, sandbox
from bench.workload import FULL_BATCH, make_workload
from local.poller.records import serialise

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
ROUNDS = 3
WORSE = at_most(1.2)


def rows() -> Iterator[Row]:
    """Send ever more events through one sandbox, in batches as full as they can be."""
    records = make_workload(SIZES[-1]).records
    payloads = {size: _payloads(records[:size]) for size in SIZES}
    with sandbox(BY_LABEL, blocklist=CountingBlocklist()) as handle:
        rounds = [
            [_seconds(handle, payloads[size]) / size for size in SIZES] for _ in range(ROUNDS + 1)
        ]
    per_event = dict(zip(SIZES, map(median, zip(*rounds[1:], strict=True)), strict=True))
    yield Row(
        f"time for an event, {SIZES[0]:,} to {SIZES[-1]:,} of them",
        max(per_event.values()) / per_event[SIZES[0]],
        f"x that of {SIZES[0]:,}, at worst",
        WORSE,
        details={f"microseconds_of_{size}": value * 1e6 for size, value in per_event.items()},
    )


def _payloads(records: Sequence[object]) -> list[bytes]:
    return [
        serialise(records[start : start + FULL_BATCH])
        for start in range(0, len(records), FULL_BATCH)
    ]


def _seconds(handle: Handle, payloads: Sequence[bytes]) -> float:
    """Add up the batches, each fresh from its JSON as the runtime hands it over."""
    seconds = 0.0
    for payload in payloads:
        batch = json.loads(payload)
        seconds += cpu_seconds(partial(handle, batch))
    return seconds
