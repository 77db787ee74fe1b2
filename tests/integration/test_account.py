"""`make account`: what it says is what works, for somebody who knows nothing else."""

import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from tests.integration.deployments import Version, this_version

pytestmark = pytest.mark.integration


@pytest.fixture
def version(tmp_path: Path) -> Version:
    """Give a copy: building must not change what other tests run."""
    return this_version(tmp_path / "clone")


@pytest.fixture
def told(version: Version) -> Iterator[list[str]]:
    """Start an account, and give the commands that it says."""
    with subprocess.Popen(
        [".venv/bin/python", "-m", "local.account"],
        cwd=version.folder,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        yield [line.strip() for line in lines if line.startswith("  ")]
        process.send_signal(signal.SIGTERM)


def test_stranger_deploys_into_an_empty_account(version: Version, told: list[str]) -> None:
    """
    Secrets, deployment and a smoke test, in a shell that has been told nothing else.

    A smoke test sends nothing to Tencent, so `doctor` tells whether that is the double.
    """
    tried = [".venv/bin/ses-blocklist doctor --stage local", "make remove STAGE=local"]
    script = "\n".join(["set -e", *told, *tried])

    ran = subprocess.run(  # noqa: S603 - our own words
        ["/bin/sh", "-c", script],
        cwd=version.folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(version.folder),
            "NO_PROXY": "127.0.0.1",
            "SLS_AWS_MONITORING_FREQUENCY": "200",  # else osls looks at the stack every 5 s
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert "ses-blocklist-local: counted" in ran.stdout
    assert "Tencent's key of the stage: may block, at http://127.0.0.1:" in ran.stdout
    assert "Still there: the two queues" in ran.stdout
