"""What is measured with must be what comes."""

import json
from statistics import median

from bench.sandbox import BY_LABEL, CountingBlocklist, sandbox
from bench.workload import PAYLOAD_BYTES, full_payload, make_workload


def test_callbacks_are_of_the_documented_kind_and_size() -> None:
    """Smaller bodies would make decoding them look cheap, and all else dear."""
    workload = make_workload(1000)

    assert 450 < median(map(len, workload.bodies)) < 650
    assert 0.75 < len({callback["email"] for callback in workload.callbacks}) / 1000 < 0.85


def test_same_seed_makes_the_same_callbacks() -> None:
    assert make_workload(50).bodies == make_workload(50).bodies
    assert make_workload(50).bodies != make_workload(50, seed=8).bodies


def test_full_payload_has_no_room_for_many_more() -> None:
    payload = full_payload()
    size = len(payload) / len(json.loads(payload)["Records"])

    assert PAYLOAD_BYTES - 20 * size < len(payload) <= PAYLOAD_BYTES


def test_handler_blocks_exactly_whom_the_label_names() -> None:
    """Otherwise the benchmark would time something else than it says."""
    workload, blocked = make_workload(300), set[str]()

    class Blocklist(CountingBlocklist):
        def add(self, recipients, *, until, timeout_seconds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            blocked.update(recipients)
            return super().add(recipients, until=until, timeout_seconds=timeout_seconds)

    with sandbox(BY_LABEL, blocklist=Blocklist()) as handle:
        handle(workload.records)

    assert blocked == workload.recipients
