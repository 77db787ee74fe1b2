"""
The only place that builds adapters, each imported where it is built: `--help` must not wait.

Everything is built anew for each command and kept by nobody.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.adapters.judging import Judge


def judge() -> "Judge":
    """Give the pipeline's classifier and policy."""
    from cli.adapters.judging import Judge

    return Judge()
