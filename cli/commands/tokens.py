"""`callback-url` and `drop-token`: the address that Tencent calls, and the end of a rotation."""

import time

from cli import bootstrap, terminal
from cli.logic.measures import ours
from cli.options import AsJson, DryRun, Stage, Yes
from functions.blocklist.adapters.tokens import parse_tokens
from functions.blocklist.domain.errors import ConfigurationError

#: A day with mail.
_LOOK_BACK_HOURS = 24


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


def drop_token(*, stage: Stage, dry_run: DryRun = False, yes: Yes = False) -> None:
    """
    Accept the current token alone: the last step of its rotation.

    Whoever still calls with the one before is answered 404, five minutes later at the latest.
    """
    deployed = bootstrap.stack(stage)
    store = bootstrap.secrets(kms_key_arn=deployed.kms_key_arn)
    name = deployed.output("CallbackTokensParameter")
    current, *older = usable_tokens(store.read_existing(name)) or [""]
    if not older:
        terminal.say(f"{name} holds no token from before: kept as it is.")
        return
    if late := _callbacks_with_an_old_token():
        terminal.warn(
            f"{late} of the last {_LOOK_BACK_HOURS} hours' callbacks, of all stages, came with a "
            "token from before. Such ones would be lost from now on."
        )
    if dry_run:
        terminal.say(f"{name} would be left with its first token.")
        return
    terminal.ask(f"Leave {name} with its first token?", yes=yes)
    store.write(name, current, replace=True)
    terminal.say(f"{name}: the token from before is gone. In five minutes it opens nothing.")


def usable_tokens(held: str) -> list[str]:
    """Give the usable tokens that *held* has, the one that callbacks use now first."""
    try:
        return [token.decode(errors="surrogatepass") for token in parse_tokens(held)]
    except ConfigurationError:
        return []


def _callbacks_with_an_old_token() -> int:
    metric, now = ours("receive_callback", "PreviousToken"), time.time()
    since = now - _LOOK_BACK_HOURS * 3600
    points = bootstrap.metrics().points([metric], since=since, until=now, period_seconds=60)
    return round(sum(points[metric].values()))
