"""The comparison does what was seen, and no worse."""

from tests.faults.peers import (
    ends_at_the_first_delivery,
    fails_at_every_bounce,
    results,
    suppressed_by,
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
