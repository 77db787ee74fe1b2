"""
Judge the default policy on labelled replies: `python -m tests.evaluation.reasons [FILE]`.

Every reply comes as the reason of a bounce that is labelled hard, so nothing but the words stands
between a living recipient and a block. Two figures that are never added up: a wrong block loses a
living recipient, a missed one costs a few mails. Each with the upper bound of its rate that holds
with 95 % confidence (Clopper-Pearson), given that the rows were drawn at random, on whole replies
and as Tencent delivers them.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import TypeAlias

import msgspec

from functions.blocklist.adapters.policies import load_policy
from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.policy import Action

REPLIES = Path(__file__).parents[1] / "data" / "smtp_replies.jsonl"
#: So much of a reply Tencent hands on.
DELIVERED_CHARACTERS = 128
#: Where a server breaks its lines; Tencent hands the break on.
LINE_CHARACTERS = 78
CONFIDENCE = 0.95
DEFAULT_POLICY = "strict.toml"
#: A block for a month is one as well: a living recipient hears nothing.
BLOCKS = frozenset({Action.BLOCK, Action.BLOCK_UNTIL})


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


#: Says of a row and its text, in the form that is judged, what to do.
Judge: TypeAlias = Callable[[LabelledReply, str], Action]


@dataclass(frozen=True, slots=True)
class Score:
    """What a judge did to some rows; *decisions* to those that are gone, or not."""

    wrong: tuple[LabelledReply, ...]
    missed: tuple[LabelledReply, ...]
    decisions: Counter[tuple[Action, bool]]

    @property
    def gone(self) -> int:
        """How many were to be blocked."""
        return sum(rows for (_, gone), rows in self.decisions.items() if gone)

    @property
    def living(self) -> int:
        """How many were not."""
        return self.decisions.total() - self.gone


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


def by_policy(name: str = DEFAULT_POLICY) -> Judge:
    """Let a policy that we ship decide."""
    policy = load_policy(name)
    return lambda _, text: policy.rule_on(_hard_bounce(text)).action


def _hard_bounce(reply: str) -> DeliveryEvent:
    return DeliveryEvent(EventKind.HARD_BOUNCE, "jane@example.com", reply=reply)


def by_5xx(row: LabelledReply, _: str) -> Action:
    """Block on every permanent code."""
    return _block_if(str(row.code or row.enhanced or "").startswith("5"))


def by_5_1(row: LabelledReply, _: str) -> Action:
    """Block on every enhanced code that is about an address."""
    return _block_if((row.enhanced or "").startswith("5.1."))


def _block_if(asked: bool) -> Action:  # noqa: FBT001 - the only argument
    return Action.BLOCK if asked else Action.IGNORE


def judges() -> dict[str, Judge]:
    """Give ours beside the two plain ones."""
    return {"policy": by_policy(), "5xx": by_5xx, "5.1.x": by_5_1}


def score(rows: Sequence[LabelledReply], judge: Judge, *, form: Callable[[str], str]) -> Score:
    """Let *judge* decide about every row."""
    judged = [(row, judge(row, form(row.text))) for row in rows]
    return Score(
        wrong=tuple(row for row, action in judged if action in BLOCKS and not row.block_now),
        missed=tuple(row for row, action in judged if row.block_now and action not in BLOCKS),
        decisions=Counter((action, row.block_now) for row, action in judged),
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
    """Give the tables' lines: all rows, the clear ones, each decision, and each provider."""
    clear = [row for row in rows if not row.is_borderline]
    yield _HEADER
    for name, judge in judges().items():
        for form_name, form in FORMS.items():
            yield _line("all rows", name, form_name, score(rows, judge, form=form))
            yield _line("without borderline", name, form_name, score(clear, judge, form=form))
    found = {name: score(rows, by_policy(), form=form) for name, form in FORMS.items()}
    yield ""
    yield from _decisions(found)
    yield ""
    yield _HEADER
    for provider in sorted({row.provider or "" for row in rows}):
        own = [row for row in rows if (row.provider or "") == provider]
        for form_name, form in FORMS.items():
            own_score = score(own, by_policy(), form=form)
            yield _line(provider or "(not told)", "policy", form_name, own_score)
    for form_name in FORMS:
        yield from (f"wrong, {form_name}: {row.text}" for row in found[form_name].wrong)
        yield from (f"missed, {form_name}: {row.text}" for row in found[form_name].missed)


_HEADER = f"{'':24} {'rows':>5} {'':5} {'judge':6} {'wrong blocks':>22} {'missed blocks':>22}"


def _decisions(found: Mapping[str, Score]) -> Iterator[str]:
    """Tell how many rows each decision of the policy gets, and how many of them are gone."""
    yield f"{'decision':24} " + " ".join(
        f"{f'{form}: rows':>12} {'of them gone':>12}" for form in found
    )
    for action in Action:
        counts = [each.decisions for each in found.values()]
        cells = [(each[action, True] + each[action, False], each[action, True]) for each in counts]
        yield f"{action:24} " + " ".join(f"{rows:12} {gone:12}" for rows, gone in cells)


def _line(title: str, judge: str, form: str, found: Score) -> str:
    wrong = _share(len(found.wrong), found.living)
    missed = _share(len(found.missed), found.gone)
    rows = found.living + found.gone
    return f"{title:24} {rows:5} {form:5} {judge:6} {wrong:>22} {missed:>22}"


def _share(events: int, trials: int) -> str:
    return f"{events}/{trials} (<= {upper_bound(events, trials):.1%})" if trials else "-"


def main(arguments: Sequence[str]) -> None:
    """Print the tables for the file that is named, or for the carried one."""
    rows = read_replies(Path(arguments[0]) if arguments else REPLIES)
    sys.stdout.writelines(f"{line}\n" for line in report(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
