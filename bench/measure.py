"""
How long something takes, told so that a busy machine changes little.

CPU time and not the clock on the wall; two things by turns and not one after the other; the median
of the rounds, with the middle half of them; and a ratio of the two, which says the same on a
machine that is twice as fast.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Ratio:
    """
    How many times as long one thing took as the other.

    *low* and *high* are the quartiles of the rounds; *ours* and *theirs* median CPU seconds.
    """

    value: float
    low: float
    high: float
    ours: float
    theirs: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Ratio":
        """Compare round with round: what disturbs one of a pair mostly disturbs the other too."""
        ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        return cls(median(ratios), low, high, median(ours), median(theirs))


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int = ROUNDS
) -> Ratio:
    """Run both by turns, once for nothing, and compare their CPU time."""
    ours()
    theirs()
    pairs = [(cpu_seconds(theirs), cpu_seconds(ours)) for _ in range(rounds)]
    return Ratio.of([own for _, own in pairs], [other for other, _ in pairs])


def cpu_seconds(run: Callable[[], object]) -> float:
    """Measure *run*, all its threads included, without the rubbish of what ran before."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that *percent* of *values* do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
