"""The comparison does what was seen, and no worse."""

import json

from local.tencent import faults
from tests.faults.peers import (
    ends_at_the_first_delivery,
    fails_at_every_bounce,
    results,
    suppressed_by,
    tutorial_blocks,
)


def test_runs_that_were_written_down_come_out_the_same() -> None:
    delivery_first = [("delivery", "b@example.com"), ("bounce", "a@example.com")]
    two_bounces = [("bounce", "a@example.com"), ("bounce", "b@example.com")]

    assert suppressed_by(ends_at_the_first_delivery, delivery_first) == set()
    assert suppressed_by(ends_at_the_first_delivery, two_bounces) == {
        "a@example.com",
        "b@example.com",
    }
    assert suppressed_by(fails_at_every_bounce, two_bounces) == set()


def test_what_they_lose_is_what_they_do_not_suppress() -> None:
    for result in results():
        assert 0 < result.lost == result.bounces - result.suppressed <= result.bounces


def test_tutorial_blocks_whoever_bounced_as_long_as_nothing_is_wrong() -> None:
    bounces = [
        json.dumps({"event": "bounce", "bounceType": "hard_bounce", "email": f"{name}@example.com"})
        for name in ("a", "b")
    ]

    assert tutorial_blocks(bounces) == {"a@example.com", "b@example.com"}
    assert tutorial_blocks([bounces[0], "no JSON", bounces[1]]) == {"a@example.com"}
    assert tutorial_blocks(bounces, faults.error("InternalError", content_type=None)) == set()
