"""`init`: the secrets of a stage, made, tried and stored."""

import json
import os
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli import bootstrap, terminal
from cli.commands.tokens import usable_tokens
from cli.errors import MendFirstError, TryAgainError
from cli.options import DryRun, Yes, stage_name

if TYPE_CHECKING:
    from cli.adapters.secrets import Secrets

TOKEN_BYTES = 32
LEDGER_KEY_BYTES = 32
#: What serverless.yml calls the parameters, by the output that tells what a stage calls its own.
USUAL_NAMES = {
    "TencentCredentialsParameter": "tencent-credentials",
    "CallbackTokensParameter": "callback-tokens",
    "LedgerKeyParameter": "ledger-key",
}

#: As infra/parameters.yml has it.
_KEY_OF_KMS = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+")


def _kms_key_arn(text: str) -> str:
    if text and not _KEY_OF_KMS.fullmatch(text):
        raise typer.BadParameter("it is the ARN of a key, not of an alias")
    return text


def init(
    stage: Annotated[
        str, typer.Argument(help="The stage to prepare.", metavar="STAGE", callback=stage_name)
    ],
    *,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Overwrite Tencent's key where there is one.")
    ] = False,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Put a new token in front of the one in use.")
    ] = False,
    kms_key: Annotated[
        str,
        typer.Option(
            help="Encrypt with this key of KMS, the stage's kmsKeyArn: needed before its first "
            "deployment only.",
            metavar="ARN",
            callback=_kms_key_arn,
        ),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """
    Make the callback's token and the ledger's key, try Tencent's key, and store all for STAGE.

    Before the first deployment, and again whenever a secret changes. The key comes from
    TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or you are asked for it.
    """
    encrypted_with = _key_that_functions_may_use(stage, kms_key)
    store = bootstrap.secrets(kms_key_arn=encrypted_with)
    if encrypted_with:
        terminal.say(f"Encrypted with {encrypted_with}.")
    if dry_run:
        _say_what_is_there(store, stage, replaced=(new_key, new_token, False))
        return
    key_changed = _init_key(store, stage, replace=new_key, yes=yes)
    token_changed = _init_token(
        store, _name(stage, "CallbackTokensParameter"), replace=new_token, yes=yes
    )
    _init_ledger_key(store, _name(stage, "LedgerKeyParameter"))
    _say_next(stage, key_changed=key_changed, token_changed=token_changed)


def _key_that_functions_may_use(stage: str, given: str) -> str:
    """
    Give the key of KMS to encrypt with, or nothing for AWS' own.

    Raises:
        MendFirstError: the functions of *stage* could not read what *given* encrypts.
    """
    stack = bootstrap.stack_if_any(stage)
    if stack and given and given != stack.kms_key_arn:
        theirs = stack.kms_key_arn or "AWS' own key"
        raise MendFirstError(
            f"Stage {stage} uses {theirs}: its functions could not read what {given} encrypts.",
            f"Deploy it with kmsKeyArn={given} first.",
        )
    return stack.kms_key_arn if stack else given


def _say_what_is_there(store: "Secrets", stage: str, *, replaced: Sequence[bool]) -> None:
    for name, new in zip(USUAL_NAMES, replaced, strict=True):
        parameter = _name(stage, name)
        there = store.read(parameter) is not None
        would = "would get a new one" if new else "would be kept"
        terminal.say(f"{parameter} {f'is there, and {would}' if there else 'would be stored'}.")


def _name(stage: str, output: str) -> str:
    """Give the parameter that a deployed stage reads, or that `make deploy` would have it read."""
    stack = bootstrap.stack_if_any(stage)
    usual = f"/ses-blocklist/{stage}/{USUAL_NAMES[output]}"
    return stack.outputs.get(output, usual) if stack else usual


def _say_next(stage: str, *, key_changed: bool, token_changed: bool) -> None:
    terminal.say("")
    if token_changed:
        terminal.say(
            "Next: change the address in Tencent's console, one sender first, to what this prints: "
            f"ses-blocklist callback-url --stage {stage}"
        )
    if key_changed:
        terminal.say(
            "Next: functions that run keep the old key, so let them begin anew before you disable "
            "it, as docs/operations.md says under The key of Tencent's API."
        )
    if not token_changed and not key_changed:
        terminal.say(f"Next: make deploy STAGE={stage}")
        terminal.say(f"Then: ses-blocklist callback-url --stage {stage}")


def _init_key(store: "Secrets", stage: str, *, replace: bool, yes: bool) -> bool:
    """Tell whether another key was overwritten."""
    name = _name(stage, "TencentCredentialsParameter")
    there = store.read(name) is not None
    if there and not replace:
        terminal.say(f"{name} is there already: kept. To change it, add --new-key.")
        return False
    secret_id = os.environ.get("TENCENTCLOUD_SECRET_ID", "").strip()
    secret_key = os.environ.get("TENCENTCLOUD_SECRET_KEY", "").strip()
    if not (secret_id and secret_key):
        secret_id, secret_key = _ask_for_key()
    _try_key(secret_id, secret_key, stage)
    if there:
        terminal.ask(f"Overwrite the key in {name}?", yes=yes)
    key = json.dumps({"secret_id": secret_id, "secret_key": secret_key})
    store.write(name, key, replace=there)
    terminal.say(f"{name}: the key is stored.")
    return there


def _ask_for_key() -> tuple[str, str]:
    try:
        secret_id = str(typer.prompt("Tencent SecretId", err=True)).strip()
        secret_key = str(typer.prompt("Tencent SecretKey", hide_input=True, err=True)).strip()
    except typer.Abort:
        typer.echo(err=True)
        raise MendFirstError(
            "There is no Tencent key, and nobody to ask. Nothing was stored.",
            "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.",
        ) from None
    return secret_id, secret_key


def _try_key(secret_id: str, secret_key: str, stage: str) -> None:
    lists = bootstrap.tencent_with(secret_id, secret_key, stage)
    try:
        lists.check_may_block()
    except MendFirstError as error:
        raise MendFirstError(error.problem, f"{error.advice} Nothing was stored.".strip()) from None
    except TryAgainError as error:
        terminal.warn(f"{error.problem} So the key is stored without having been tried.")
    else:
        terminal.say("Tencent accepts the key, and it may CreateCustomBlacklist.")


def _init_token(store: "Secrets", name: str, *, replace: bool, yes: bool) -> bool:
    """Tell whether there is another token now before the one in use."""
    held = store.read(name)
    token = secrets.token_hex(TOKEN_BYTES)
    if held is None:
        store.write(name, token, replace=False)
        terminal.say(f"{name}: a new token is stored.")
        return False
    if not replace:
        terminal.say(f"{name} is there already: kept. To change it, add --new-token.")
        return False
    current, *older = usable_tokens(held) or [""]
    if older:
        terminal.warn(f"{name} holds the token before the one in use as well: that one goes now.")
    terminal.ask(f"Put a new token in front of the one in {name}?", yes=yes)
    store.write(name, ",".join(filter(None, [token, current])), replace=True)
    terminal.say(f"{name}: a new token is stored. The one before stays accepted, until drop-token.")
    return True


def _init_ledger_key(store: "Secrets", name: str) -> None:
    """Make it once: under another key the ledger would know nobody any more."""
    if store.read(name) is not None:
        terminal.say(f"{name} is there already: kept, as it must never change.")
        return
    store.write(name, secrets.token_hex(LEDGER_KEY_BYTES), replace=False)
    terminal.say(f"{name}: a new key for the ledger is stored. It must never change.")
