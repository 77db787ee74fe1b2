"""Options that mean the same in every command."""

import re
from typing import Annotated

import typer

_STAGE = re.compile(r"[a-z0-9-]+")


def stage_name(text: str | None) -> str | None:
    """
    Give the name of a stage, as `make deploy` takes it.

    Raises:
        BadParameter: it is none.
    """
    if text is not None and not _STAGE.fullmatch(text):
        raise typer.BadParameter("a stage is named with small letters, digits and hyphens")
    return text


Stage = Annotated[
    str,
    typer.Option(
        "--stage",
        callback=stage_name,
        help="Whose stack: ses-blocklist-STAGE.",
        envvar="SES_BLOCKLIST_STAGE",
        metavar="STAGE",
    ),
]
OptionalStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        callback=stage_name,
        help="Use the key and the endpoint of this stage where the environment names none.",
        envvar="SES_BLOCKLIST_STAGE",
        metavar="STAGE",
    ),
]
Rate = Annotated[
    float,
    typer.Option(
        help="Requests a second. Tencent takes 20 from the whole account, and the pipeline needs "
        "most of them: no more than 5 while it runs.",
        min=1,
        max=20,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
]
Note = Annotated[str, typer.Option(help="A ticket, for example.", metavar="TEXT")]
Since = Annotated[
    str,
    typer.Option(
        help="From this moment on, in UTC: 2h, 3d, 2026-11-25 or 2026-11-25T14:30.",
        metavar="MOMENT",
    ),
]
Until = Annotated[str, typer.Option(help="Until before this moment.", metavar="MOMENT")]
IncludeExisting = Annotated[
    bool,
    typer.Option(
        "--include-existing", help="Also who was on Tencent's list before the ledger was there."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
