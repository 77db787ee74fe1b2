"""
Judge the rules on labelled replies: `python -m tests.evaluation.reasons [FILE]`.

Two figures that are never added up. A wrong block loses a living recipient, a missed one costs a
few mails. Each with the upper bound of its rate that holds with 95 % confidence (Clopper-Pearson),
given that the rows were drawn at random, on whole replies and as Tencent delivers them.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import TypeAlias

import msgspec

from functions.blocklist.adapters.rules import load_classifier

REPLIES = Path(__file__).parents[1] / "data" / "smtp_replies.jsonl"
#: So much of a reply Tencent hands on.
DELIVERED_CHARACTERS = 128
#: Where a server breaks its lines; Tencent hands the break on.
LINE_CHARACTERS = 78
CONFIDENCE = 0.95


class LabelledReply(msgspec.Struct, frozen=True):
    """One row; tests/data/README.md tells the fields."""

    text: str
    reason: str
    block_now: bool
    source: str
    provider: str | None = None
    code: int | None = None
    enhanced: str | None = None
    note: str = ""

    @property
    def is_borderline(self) -> bool:
        """Tell whether careful readers may differ."""
        return self.note.startswith("borderline")


#: Says of a row and its text, in the form that is judged, whether to block.
Policy: TypeAlias = Callable[[LabelledReply, str], bool]


@dataclass(frozen=True, slots=True)
class Score:
    """What a policy did to some rows."""

    wrong: tuple[LabelledReply, ...]
    missed: tuple[LabelledReply, ...]
    living: int
    gone: int


def read_replies(path: Path = REPLIES) -> Sequence[LabelledReply]:
    """Read one row from each line."""
    lines = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=LabelledReply) for line in lines if line.strip()]


def whole(text: str) -> str:
    """Give the reply as the server sent it."""
    return text


def cut(text: str) -> str:
    """Give the reply as Tencent delivers it: 128 characters, a line break in them."""
    delivered = text[:DELIVERED_CHARACTERS]
    space = delivered.rfind(" ", 0, LINE_CHARACTERS)
    return delivered if space < 0 else f"{delivered[:space]}\n{delivered[space + 1 :]}"


FORMS = {"whole": whole, "cut": cut}


def our_policy() -> Policy:
    """Block what the rules call gone for good, without any help from a label."""
    classify = load_classifier().classify
    return lambda _, text: classify(text).is_gone_for_good


def any_5xx(row: LabelledReply, _: str) -> bool:
    """Block on every permanent code."""
    return str(row.code or row.enhanced or "").startswith("5")


def any_5_1(row: LabelledReply, _: str) -> bool:
    """Block on every enhanced code that is about an address."""
    return (row.enhanced or "").startswith("5.1.")


def policies() -> dict[str, Policy]:
    """Give ours beside the two plain ones."""
    return {"rules": our_policy(), "5xx": any_5xx, "5.1.x": any_5_1}


def score(rows: Sequence[LabelledReply], policy: Policy, *, form: Callable[[str], str]) -> Score:
    """Let *policy* judge every row."""
    blocked = [policy(row, form(row.text)) for row in rows]
    judged = list(zip(rows, blocked, strict=True))
    gone = sum(row.block_now for row in rows)
    return Score(
        wrong=tuple(row for row, is_blocked in judged if is_blocked and not row.block_now),
        missed=tuple(row for row, is_blocked in judged if row.block_now and not is_blocked),
        living=len(rows) - gone,
        gone=gone,
    )


def upper_bound(events: int, trials: int) -> float:
    """Give the largest rate under which so few *events* still have a chance of 5 %."""
    if events >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(50):
        rate = (low + high) / 2
        few = sum(comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(events + 1))
        low, high = (rate, high) if few > 1 - CONFIDENCE else (low, rate)
    return high


def report(rows: Sequence[LabelledReply]) -> Iterator[str]:
    """Give the tables' lines: all rows, the clear ones, and each provider."""
    clear = [row for row in rows if not row.is_borderline]
    yield f"{'':24} {'rows':>5} {'':5} {'policy':6} {'wrong blocks':>22} {'missed blocks':>22}"
    for name, policy in policies().items():
        for form_name, form in FORMS.items():
            yield _line("all rows", name, form_name, score(rows, policy, form=form))
            yield _line("without borderline", name, form_name, score(clear, policy, form=form))
    yield ""
    policy = our_policy()
    for provider in sorted({row.provider or "" for row in rows}):
        own = [row for row in rows if (row.provider or "") == provider]
        for form_name, form in FORMS.items():
            found = score(own, policy, form=form)
            yield _line(provider or "(not told)", "rules", form_name, found)
    for form_name, form in FORMS.items():
        found = score(rows, policy, form=form)
        yield from (f"wrong, {form_name}: {row.text}" for row in found.wrong)
        yield from (f"missed, {form_name}: {row.text}" for row in found.missed)


def _line(title: str, policy: str, form: str, found: Score) -> str:
    wrong = _share(len(found.wrong), found.living)
    missed = _share(len(found.missed), found.gone)
    rows = found.living + found.gone
    return f"{title:24} {rows:5} {form:5} {policy:6} {wrong:>22} {missed:>22}"


def _share(events: int, trials: int) -> str:
    return f"{events}/{trials} (<= {upper_bound(events, trials):.1%})" if trials else "-"


def main(arguments: Sequence[str]) -> None:
    """Print the tables for the file that is named, or for the carried one."""
    rows = read_replies(Path(arguments[0]) if arguments else REPLIES)
    sys.stdout.writelines(f"{line}\n" for line in report(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
