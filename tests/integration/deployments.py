"""Versions of this project, deployed as an operator does, into an emulated account."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.template import ROOT
from local.aws import Aws

#: What a version is made of, and what it leaves behind.
_NOT_SOURCE = shutil.ignore_patterns(
    *(".git", ".venv", "node_modules", "dist", ".serverless", "__pycache__", ".*_cache")
)


@dataclass(frozen=True, slots=True)
class Version:
    """A checkout that can build and deploy itself; the tools and installed packages are ours."""

    folder: Path

    def run(self, *command: str, aws: Aws) -> str:
        """
        Run *command* in it with the emulator's credentials; return what it said.

        Nothing else of the environment is left, so that no real account can be meant.
        """
        done = subprocess.run(  # noqa: S603 - our own tools
            command,
            cwd=self.folder,
            env=self._environment(aws),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _environment(self, aws: Aws) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
            "NODE_NO_WARNINGS": "1",
            "SLS_SCHEMA_CACHE_BASE_DIR": str(ROOT / "node_modules" / ".cache" / "osls"),
            "SLS_AWS_MONITORING_FREQUENCY": "200",  # else osls looks at the stack every 5 s
            "SLS_TELEMETRY_DISABLED": "1",
        }


def this_version(folder: Path) -> Version:
    """Copy what is being worked on: building must not change what other tests run."""
    shutil.copytree(ROOT, folder, ignore=_NOT_SOURCE)
    return _equipped(folder)


def version_before(folder: Path) -> Version | None:
    """
    Give the last release, else the commit before this one: main is deployed commit by commit.

    None where git knows of neither.
    """
    released = _git("describe", "--tags", "--abbrev=0", "HEAD^")
    revision = released or _git("rev-parse", "--verify", "--quiet", "HEAD^")
    if not revision:
        return None
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    _git("archive", f"--output={archive}", revision)
    shutil.unpack_archive(archive, folder)
    return _equipped(folder)


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if not git:
        return ""
    done = subprocess.run(  # noqa: S603 - reads our own history
        [git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _equipped(folder: Path) -> Version:
    os.utime(folder / "Makefile", (0, 0))  # else `make` there would make our command line anew
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "dist").mkdir()
    (folder / "dist" / "packages").symlink_to(ROOT / "dist" / "packages")
    return Version(folder)
