"""`init` and `callback-url`: the secrets of a stage, and the address made of one of them."""

import os
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.adapters.secrets import as_parameter
from cli.adapters.stacks import parameter_name
from cli.errors import MendFirstError, TryAgainError
from cli.options import AsJson, Stage, Yes
from functions.blocklist.adapters.tokens import parse_tokens
from functions.blocklist.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from cli.adapters.secrets import Secrets

TOKEN_BYTES = 32
LEDGER_KEY_BYTES = 32


def init(
    stage: Annotated[str, typer.Argument(help="The stage to prepare.", metavar="STAGE")],
    *,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Overwrite Tencent's key where there is one.")
    ] = False,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Put a new token in front of the one in use.")
    ] = False,
    yes: Yes = False,
) -> None:
    """
    Make the callback's token and the ledger's key, try Tencent's key, and store all for STAGE.

    Before the first deployment, and again whenever a secret changes. The key comes from
    TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or you are asked for it.
    """
    store = bootstrap.secrets()
    _init_key(store, parameter_name(stage, "tencent-credentials"), replace=new_key, yes=yes)
    _init_token(store, parameter_name(stage, "callback-tokens"), replace=new_token, yes=yes)
    _init_ledger_key(store, parameter_name(stage, "ledger-key"))
    terminal.say(f"\nNext: make deploy STAGE={stage}")
    terminal.say(f"Then: ses-blocklist callback-url --stage {stage}")


def callback_url(*, stage: Stage, as_json: AsJson = False) -> None:
    """
    Print the whole callback address, for Tencent's console.

    It ends in the token: whoever has it can get people blocked. Treat it as a password.
    """
    url = bootstrap.callback_url(stage)
    if as_json:
        terminal.write_json({"callback_url": url})
    else:
        terminal.say(url)


def _init_key(store: "Secrets", name: str, *, replace: bool, yes: bool) -> None:
    there = store.read(name) is not None
    if there and not replace:
        terminal.say(f"{name} is there already: kept. To change it, add --new-key.")
        return
    secret_id = os.environ.get("TENCENTCLOUD_SECRET_ID", "").strip()
    secret_key = os.environ.get("TENCENTCLOUD_SECRET_KEY", "").strip()
    if not (secret_id and secret_key):
        secret_id = str(typer.prompt("Tencent SecretId", err=True)).strip()
        secret_key = str(typer.prompt("Tencent SecretKey", hide_input=True, err=True)).strip()
    _try_key(secret_id, secret_key)
    if there:
        terminal.ask(f"Overwrite the key in {name}?", yes=yes)
    store.write(name, as_parameter(secret_id, secret_key), replace=there)
    terminal.say(f"{name}: the key is stored.")


def _try_key(secret_id: str, secret_key: str) -> None:
    lists = bootstrap.tencent_with(secret_id, secret_key)
    try:
        lists.check_may_block()
    except MendFirstError as error:
        raise MendFirstError(error.problem, f"{error.advice} Nothing was stored.".strip()) from None
    except TryAgainError as error:
        terminal.warn(f"{error.problem} So the key is stored without having been tried.")
    else:
        terminal.say("Tencent accepts the key, and it may CreateCustomBlacklist.")


def _init_token(store: "Secrets", name: str, *, replace: bool, yes: bool) -> None:
    held = store.read(name)
    token = secrets.token_hex(TOKEN_BYTES)
    if held is None:
        store.write(name, token, replace=False)
        terminal.say(f"{name}: a new token is stored.")
        return
    if not replace:
        terminal.say(f"{name} is there already: kept. To change it, add --new-token.")
        return
    terminal.ask(f"Put a new token in front of the one in {name}?", yes=yes)
    tokens = [token, *_current(held)]
    store.write(name, ",".join(tokens), replace=True)
    terminal.say(
        f"{name}: a new token is stored. The one before stays accepted, until the next --new-token."
    )


def _init_ledger_key(store: "Secrets", name: str) -> None:
    """Make it once: under another key the ledger would know nobody any more."""
    if store.read(name) is not None:
        terminal.say(f"{name} is there already: kept, as it must never change.")
        return
    store.write(name, secrets.token_hex(LEDGER_KEY_BYTES), replace=False)
    terminal.say(f"{name}: a new key for the ledger is stored. It must never change.")


def _current(held: str) -> list[str]:
    """Give the token that callbacks use now, if *held* has one."""
    try:
        return [parse_tokens(held)[0].decode(errors="surrogatepass")]
    except ConfigurationError:
        return []
