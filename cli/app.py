"""The command line as a whole: its groups of commands, and how errors become exit codes."""

import typer
from typer.core import TyperGroup

from cli import terminal
from cli.commands import (
    adopt,
    audit,
    block,
    classify,
    dead_letters,
    doctor,
    export,
    redrive,
    report,
    secrets,
    status,
    tokens,
    trigger,
    unblock,
    undo,
    why,
)
from cli.errors import CliError, ExitCode


class _Commands(TyperGroup):
    """Ends every command, wherever it fails, with what is wrong, what to do, and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # the same by another name
        try:
            return super().invoke(ctx)
        except CliError as error:
            terminal.show_error(error)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            terminal.warn("Stopped. What is done stays done; the same command goes on from there.")
            raise typer.Exit(ExitCode.STOPPED) from None


app = typer.Typer(
    cls=_Commands,
    name="ses-blocklist",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback never shows what variables hold
    help="Say why, take it back, see it all: the operator's side of ses-blocklist.",
    epilog="Exit codes: 0 done, 1 needs a person, 2 wrong input, 3 try again, 4 mend first.",
)


@app.callback()
def _all() -> None:
    """Make it a group, even of one."""


app.command()(classify.classify)
app.command()(audit.audit)
app.command()(audit.rescue)
app.command()(secrets.init)
app.command()(tokens.callback_url)
app.command()(tokens.drop_token)
app.command()(doctor.doctor)
app.command()(status.status)
app.command()(status.watch)
app.command()(trigger.pause)
app.command()(trigger.resume)
app.command()(block.block)
app.command("import")(block.import_file)
app.command()(adopt.adopt)
app.command()(why.why)
app.command()(unblock.unblock)
app.command()(undo.undo)
app.command()(report.report)
app.command()(export.verify)
app.command()(export.export)
app.command()(why.erase)

letters = typer.Typer(no_args_is_help=True, help="See, send back, or drop what could not be done.")
letters.command("list")(dead_letters.list_letters)
letters.command()(dead_letters.show)
letters.command()(redrive.redrive)
letters.command()(redrive.release)
letters.command()(redrive.drop)
app.add_typer(letters, name="dead-letters")
