"""`python -m cli`, which `.venv/bin/ses-blocklist` runs."""

import os
import sys

from cli.app import app
from cli.errors import ExitCode


def main() -> None:
    """Run, and be gone at once after Ctrl-C: a thread may still wait for an answer of Tencent's."""
    try:
        app(prog_name="ses-blocklist")
    except SystemExit as ending:
        if ending.code == ExitCode.STOPPED:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ExitCode.STOPPED)
        raise


if __name__ == "__main__":
    main()
