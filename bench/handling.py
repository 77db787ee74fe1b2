"""Rows: a full batch, against nothing but decoding the same bodies with `json.loads`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.measure import ROUNDS, Ratio, compare
from bench.rows import Row, Target, at_most
from bench.sandbox import BY_LABEL, SECRET_ID, SECRET_KEY, CountingBlocklist, Handle, sandbox
from bench.servers import serving, serving_table
from bench.workload import Workload, make_workload
from functions.blocklist.adapters.tencent import TencentBlocklist
from functions.blocklist.adapters.tencent_api import Credentials, TencentApi


@dataclass(frozen=True)
class Variant:
    """A way to decide about events: what the environment says, and what it may cost."""

    name: str
    environment: Mapping[str, str]
    target: Target | None


#: Measured without a network. Another way to decide is another line here.
VARIANTS = (
    Variant("by label alone", BY_LABEL, at_most(1.2)),
    Variant("by the default policy, reading each reply", {}, at_most(4)),
)
WITH_REQUESTS = at_most(1.6)
WITH_REQUESTS_NAME = "the same, with the SDK's requests over TLS, 1,000 addresses each"
#: Each takes milliseconds, so fewer tell as much.
LEDGER_EVENTS, LEDGER_ROUNDS = 1000, 5
WITH_LEDGER_NAME = "1,000 events by the default policy, with the ledger over TLS"
#: Everybody is new, and nobody is too many.
LEDGER = {
    "LEDGER_TABLE": "ledger",
    "LEDGER_KEY": "bench-ledger-key-0123456789abcdef",
    "BRAKE_BLOCKS_PER_HOUR": "1000000",
    "BRAKE_BLOCKS_PER_MAIL": "1000000",
}


def rows() -> Iterator[Row]:
    """Measure each variant, and the first of them with real requests."""
    workload = make_workload()
    for variant in VARIANTS:
        with sandbox(variant.environment, blocklist=CountingBlocklist()) as handle:
            ratio = _against_json(handle, workload)
        yield _row(f"a full batch {variant.name}", ratio, workload, variant.target)
    with serving(tls=True) as server:
        with sandbox(BY_LABEL, blocklist=client(server.url)) as handle:
            ratio = _against_json(handle, workload)
        yield _row(WITH_REQUESTS_NAME, ratio, workload, WITH_REQUESTS)
    yield _with_ledger()


def _with_ledger() -> Row:
    """Measure what the ledger costs, with people who are all new to it: the dearest case."""
    workload = make_workload(LEDGER_EVENTS)
    with (
        serving_table() as table,
        sandbox({**LEDGER, **table.environment}, blocklist=CountingBlocklist()) as handle,
    ):

        def anew(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
            table.forget()
            return handle(records)

        ratio = _against_json(anew, workload, rounds=LEDGER_ROUNDS)
        updates, units, stored = table.forget()  # of the last round, as of every other
    row = _row(WITH_LEDGER_NAME, ratio, workload, None)
    return replace(
        row,
        details={
            **row.details,
            "updates_per_event": updates / LEDGER_EVENTS,
            "write_units_per_event": units / LEDGER_EVENTS,
            "bytes_kept_per_event": stored / LEDGER_EVENTS,
        },
    )


def _against_json(handle: Handle, workload: Workload, *, rounds: int = ROUNDS) -> Ratio:
    records, bodies = workload.records, workload.bodies
    return compare(
        lambda: handle(records), lambda: [json.loads(body) for body in bodies], rounds=rounds
    )


def client(url: str) -> TencentBlocklist:
    """Give the adapter for a server that speaks TLS, which the settings take only for Tencent."""
    api = TencentApi(
        endpoint=url,
        region="ap-singapore",
        credentials=lambda: Credentials(SECRET_ID, SECRET_KEY),
    )
    return TencentBlocklist(api, max_recipients=1000)


def _row(name: str, ratio: Ratio, workload: Workload, target: Target | None) -> Row:
    events = len(workload.bodies)
    return Row(
        name,
        ratio.value,
        "x json.loads",
        target,
        low=ratio.low,
        high=ratio.high,
        details={
            "events": events,
            "microseconds_per_event": ratio.ours / events * 1e6,
            "microseconds_of_json_loads": ratio.theirs / events * 1e6,
            "events_per_second_and_core": events / ratio.ours,
        },
    )
