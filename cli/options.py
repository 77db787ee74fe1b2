"""Options that mean the same in every command."""

from typing import Annotated

import typer

Stage = Annotated[
    str,
    typer.Option(
        "--stage",
        help="Whose stack: ses-blocklist-STAGE.",
        envvar="SES_BLOCKLIST_STAGE",
        metavar="STAGE",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
