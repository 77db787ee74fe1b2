"""`dead-letters list` and `show`: what rests on the dead-letter queue, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.errors import AttentionError, WrongInputError
from cli.logic import letters as logic
from cli.logic.letters import EXHAUSTED, HOLD_SECONDS, Letter, Selection
from cli.logic.times import to_the_minute
from cli.options import AsJson, Stage

if TYPE_CHECKING:
    from cli.adapters.queues import Queue

Codes = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        help=f"Only this ErrorCode; {EXHAUSTED} for those that SQS moved. May be repeated.",
        metavar="CODE",
    ),
]
BulkId = Annotated[
    str, typer.Option("--bulk-id", help="Only events of this mailing.", metavar="ID")
]
Limit = Annotated[int | None, typer.Option("--limit", help="At most so many.", min=1)]
#: A body may be a megabyte of somebody's junk.
SHOWN_CHARACTERS = 2_000


def list_letters(*, stage: Stage, as_json: AsJson = False) -> None:
    """Count the dead letters by why they are there. Shows no address."""
    queue = bootstrap.dead_letter_queue(stage)
    attributes = queue.attributes()
    elsewhere = held_elsewhere(attributes)
    groups = logic.grouped(all_letters(queue, waiting(attributes)))
    retention_seconds = int(attributes["MessageRetentionPeriod"])
    if as_json:
        terminal.write_json(_as_json(groups, elsewhere, retention_seconds))
        return
    total = sum(group.letters for group in groups.values())
    terminal.say(f"Dead letters of stage {stage}: {total:,}", style="bold")
    if elsewhere:
        terminal.warn(told_as_held(elsewhere))
    if not groups:
        return
    terminal.say()
    terminal.show_table(
        ("code", "letters", "by operator", "first arrived", "deleted from"),
        [
            (
                code,
                group.letters,
                group.from_operator,
                to_the_minute(group.first_arrived.timestamp()),
                to_the_minute(group.first_arrived.timestamp() + retention_seconds),
            )
            for code, group in groups.items()
        ],
        numbers=("letters", "by operator"),
    )
    terminal.say("\nTimes are UTC.\n")
    for code in groups:
        terminal.say(f"{code}: {logic.meaning(code)}")


def show(
    *,
    stage: Stage,
    codes: Codes = None,
    bulk_id: BulkId = "",
    limit: Limit = 10,
    as_json: AsJson = False,
) -> None:
    """Show dead letters whole: their bodies hold addresses."""
    queue = bootstrap.dead_letter_queue(stage)
    chosen = selected(queue, codes, bulk_id)
    found: list[Letter] = []
    with queue.walk() as walk:
        for batch in walk:
            found += [letter for letter in batch if letter in chosen]
            if limit and len(found) >= limit:
                break
    found = found[:limit]
    if as_json:
        terminal.write_json_lines(map(_letter_as_json, found))
        return
    for letter in found:
        _show_letter(letter)
    if not found:
        say_none(queue)


def selected(queue: "Queue", codes: Sequence[str] | None, bulk_id: str) -> Selection:
    """
    Give which letters are meant.

    Raises:
        WrongInputError: there is no such code, neither among ours nor on the queue.
    """
    wanted = frozenset(codes or ())
    strange = wanted - logic.CODES
    if strange:  # a newer version may have put it there
        strange -= logic.grouped(all_letters(queue, waiting(queue.attributes()))).keys()
    if strange:
        raise WrongInputError(
            f"No dead letter has the code {' or '.join(sorted(strange))}.",
            f"{_there(queue)} There can be: {', '.join(sorted(logic.CODES))}.",
        )
    return Selection(wanted, bulk_id)


def say_none(queue: "Queue") -> None:
    """
    Say that nothing of what is meant is on the queue, and what else is.

    Raises:
        AttentionError: somebody holds letters, which may be those.
    """
    terminal.say("There are none.")
    attributes = queue.attributes()
    if waiting(attributes):
        terminal.warn(_there(queue))
    if held := held_elsewhere(attributes):
        raise AttentionError(told_as_held(held), "Run the same again then.")


def _there(queue: "Queue") -> str:
    groups = logic.grouped(all_letters(queue, waiting(queue.attributes())))
    return f"On the queue: {logic.counted(groups) or 'nothing'}."


def all_letters(queue: "Queue", waiting_letters: int) -> Iterator[Letter]:
    """Look at everything, and give it back at the end."""
    with terminal.progress("Looking", total=waiting_letters) as advance, queue.walk() as walk:
        for batch in walk:
            yield from batch
            advance(len(batch))


def waiting(attributes: Mapping[str, str]) -> int:
    """Give how many letters nobody holds, by the queue's *attributes*."""
    return int(attributes["ApproximateNumberOfMessages"])


def _show_letter(letter: Letter) -> None:
    part = f", part {letter.part} of a larger body" if letter.part else ""
    origin = ", put there by an operator" if letter.is_from_operator else ""
    terminal.say(f"{letter.code}{part}{origin}", style="bold")
    terminal.say(f"  {logic.meaning(letter.code)}")
    terminal.say(f"  arrived   {to_the_minute(letter.arrived_at.timestamp())} UTC")
    terminal.say(f"  message   {letter.queue_message_id}")
    if request_id := letter.attributes.get("RequestId"):
        terminal.say(f"  request   {request_id}")
    terminal.say(f"  body      {logic.readable(letter, limit=SHOWN_CHARACTERS)}\n")


def _letter_as_json(letter: Letter) -> dict[str, object]:
    return {
        "code": letter.code,
        "queue_message_id": letter.queue_message_id,
        "request_id": letter.attributes.get("RequestId"),
        "arrived_at": letter.arrived_at.isoformat(timespec="seconds"),
        "from_operator": letter.is_from_operator,
        "part": letter.part or None,
        "body": logic.readable(letter),
    }


def _as_json(
    groups: Mapping[str, logic.Group], elsewhere: int, retention_seconds: int
) -> dict[str, object]:
    return {
        "letters": sum(group.letters for group in groups.values()),
        "held_elsewhere": elsewhere,
        "retention_seconds": retention_seconds,
        "groups": [
            {
                "code": code,
                "letters": group.letters,
                "from_operator": group.from_operator,
                "first_arrived": group.first_arrived.isoformat(timespec="seconds"),
                "last_arrived": group.last_arrived.isoformat(timespec="seconds"),
                "meaning": logic.meaning(code),
            }
            for code, group in groups.items()
        ],
    }


def held_elsewhere(attributes: Mapping[str, str]) -> int:
    """Give how many letters somebody else holds, by the queue's *attributes*."""
    return int(attributes["ApproximateNumberOfMessagesNotVisible"])


def told_as_held(number: int) -> str:
    """Say that *number* letters cannot be seen now, and when they can."""
    return (
        f"{number:,} more are held by somebody who looks at them, or who was stopped while looking;"
        f" they are back within {HOLD_SECONDS // 60} minutes."
    )
