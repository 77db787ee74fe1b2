"""What needs nobody's account: judgement, pages, pace, and the door as seen from outside."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.adapters.judging import Judge
    from cli.logic.reports import Report
    from functions.blocklist.adapters.pacing import IntervalPacer


def judge() -> "Judge":
    """Give the pipeline's classifier and policy."""
    from cli.adapters.judging import Judge

    return Judge()


def page(report: "Report", *, title: str, period: str) -> str:
    """Give a report as a page of HTML with plots."""
    from cli.adapters.pages import as_page

    return as_page(report, title=title, period=period)


def door() -> "Callable[[str], int | str]":
    """Give what calls the callback address."""
    from cli.adapters.door import answer_of

    return answer_of


def sleep(seconds: float) -> None:
    """Wait between two looks."""
    time.sleep(seconds)


def pacer(starts_per_second: float) -> "IntervalPacer":
    """Give what spaces steps."""
    from functions.blocklist.adapters.pacing import IntervalPacer

    return IntervalPacer(1 / starts_per_second)
