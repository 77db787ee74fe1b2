"""
AWS on this machine for the length of a `with`: https://github.com/ministackorg/ministack.

It runs the code it is given without asking who gives it, so it listens on 127.0.0.1 only.
"""

import http.client
import json
import os
import socket
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from local.aws import Aws
from local.guarded import GuardedCommand, run_guarded
from local.parent import end_with_parent

#: The emulator pins its own botocore, so it has an environment of its own (`make setup`).
PYTHON = Path(__file__).resolve().parent.parent / ".venv" / "emulator" / "bin" / "python"
PROGRAM = Path(__file__).with_name("emulator_program.py")

_HOST = "127.0.0.1"
#: A free port is free only until somebody else takes it.
_ATTEMPTS = 3
_POLL_SECONDS = 0.05
_PROBE_SECONDS = 2.0


class EmulatorError(Exception):
    """The emulator cannot be used; the message says why and what to do."""


class _PortTakenError(EmulatorError):
    """Somebody else was faster."""


class Emulator:
    """
    An empty account in *region*: ``with Emulator(region="ap-singapore") as aws``.

    IAM is enforced unless *enforce_iam* is false. Queues are polled by `local/poller`, which is
    closer to Lambda, unless its *own_trigger* is to do it. What it starts, the functions' processes
    included, is gone afterwards with all its files, even when this process is killed
    (`local/guard.py`). Killing this process's parent, such as `make`, ends it as SIGTERM does.
    """

    def __init__(
        self,
        *,
        region: str,
        enforce_iam: bool = True,
        own_trigger: bool = False,
        python: Path = PYTHON,
        ready_within_seconds: float = 30,
    ) -> None:
        self._region = region
        self._enforce_iam = enforce_iam
        self._options = [] if own_trigger else ["--without-trigger"]
        self._python = python
        self._ready_within_seconds = ready_within_seconds
        self._running = ExitStack()

    def __enter__(self) -> Aws:
        """
        Start it and wait until it answers.

        Raises:
            EmulatorError: It is not installed, or it does not come up.
        """
        if not self._python.exists():
            raise EmulatorError(f"the emulator is not installed ({self._python}): run `make setup`")
        end_with_parent()
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._start()
            except _PortTakenError:
                continue
        return self._start()

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop it and remove its files."""
        self._running.close()

    def _start(self) -> Aws:
        port, name = _free_port(), uuid.uuid4().hex
        with ExitStack() as running:
            command = running.enter_context(
                run_guarded(
                    [str(self._python), "-P", str(PROGRAM), *self._options],
                    environment={
                        **_environment(self._region, port=port, name=name),
                        "AUTH": json.dumps(self._enforce_iam),
                    },
                )
            )
            _wait_until_ready(
                command, port=port, name=name, within_seconds=self._ready_within_seconds
            )
            self._running = running.pop_all()
        return Aws(f"http://{_HOST}:{port}", region=self._region)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _environment(region: str, *, port: int, name: str) -> dict[str, str]:
    """Return all that the emulator sees of this machine: every function it runs sees it too."""
    return {
        "BIND_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "HOME": "{folder}",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_EDITION": name,  # comes back in its health: this emulator and no other
        "MINISTACK_REGION": region,
        "PATH": os.defpath,
        "S3_DATA_DIR": "{folder}/s3",
        "SFTP_ENABLED": "0",
        "STATE_DIR": "{folder}/state",
        "TMPDIR": "{folder}",
    }


def _wait_until_ready(
    command: GuardedCommand, *, port: int, name: str, within_seconds: float
) -> None:
    deadline = time.monotonic() + within_seconds
    while not _is_ready(port, name=name):
        if command.exits(within_seconds=_POLL_SECONDS):
            raise _why_it_ended(command.log_tail())
        if time.monotonic() > deadline:
            raise EmulatorError(
                f"the emulator did not answer on {_HOST}:{port} within {within_seconds:g} s.\n"
                "Try again on a machine less busy, or `make setup` anew if the log below tells of "
                f"an error.\n{command.log_tail()}"
            )


def _is_ready(port: int, *, name: str) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/_ministack/health")
        health = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(health.get("edition") == name)


def _why_it_ended(log: str) -> EmulatorError:
    if "already in use" in log:
        return _PortTakenError(f"another process took the emulator's port: try again.\n{log}")
    return EmulatorError(
        "the emulator ended while it started. Remove .venv/emulator and run `make setup` if the "
        f"log below does not tell what to do.\n{log}"
    )
