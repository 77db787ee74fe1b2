"""
Rows: whom the default policy blocks on labelled replies, beside the two plain rules.

As Tencent delivers them, cut at 128 characters. The replies are carried in tests/data, with what
they were drawn from; `make judge` prints them by provider, with the bounds of the rates.
"""

from collections.abc import Iterator

from bench.rows import Row, at_most, exactly
from tests.evaluation.reasons import Score, cut, judges, read_replies, score, upper_bound

#: To miss a block costs a few mails, so some may be; a wrong one loses a living recipient.
MISSED = at_most(0.05)


def rows() -> Iterator[Row]:
    """Judge every reply by each of them."""
    replies = read_replies()
    for name, judge in judges().items():
        found = score(replies, judge, form=cut)
        is_ours = name == "policy"
        gone = sum(reply.block_now for reply in replies)
        living = len(replies) - gone
        yield Row(
            f"living recipients blocked: {name}",
            len(found.wrong),
            f"of {living} replies",
            exactly(0) if is_ours else None,
            exact=is_ours,
            details=_bound(found, wrong=True, trials=living),
        )
        yield Row(
            f"dead addresses not blocked at once: {name}",
            len(found.missed) / gone,
            f"of {gone} replies",
            MISSED if is_ours else None,
            exact=is_ours,
            details=_bound(found, wrong=False, trials=gone),
        )


def _bound(found: Score, *, wrong: bool, trials: int) -> dict[str, float]:
    events = len(found.wrong if wrong else found.missed)
    return {"number": events, "at_most_with_95_percent": upper_bound(events, trials)}
