"""
deploy_stage.yml: what its job does when something fails.

Its own lines run here, in a shell as GitHub's, with a `make` that does nothing but fail when told.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.template import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "deploy_stage.yml"
#: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#exit-codes-and-error-action-preference
SHELL = ("bash", "-e")
MAKE = """#!/bin/bash
echo "$*" >> "$TOLD/calls"
[ "$1" = live ] && cat "$TOLD/live"
while read -r call; do
    if [ "$*" = "$call" ]; then sed -i 1d "$TOLD/failing"; exit 2; fi
done < <(head -n 1 "$TOLD/failing")
exit 0
"""
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


class Job:
    """The job for the stage `dev`, with what its stack runs now and which calls fail."""

    def __init__(self, folder: Path, *, live: str = "42", failing: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._values = {"inputs.stage": "dev", "vars.PARAMS": "alarms=off dryRun=false"}
        self.failed = False
        (folder / "make").write_text(MAKE)
        (folder / "make").chmod(0o700)
        (folder / "live").write_text(f"{live}\n" if live else "")
        (folder / "failing").write_text("".join(f"{call}\n" for call in failing))
        job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]
        self._environment = job["env"]
        for step in job["steps"]:
            if "run" in step and self._is_due(step.get("if", "success()")):
                self._run(step)

    @property
    def calls(self) -> list[str]:
        """What `make` was asked for."""
        return (self._folder / "calls").read_text().splitlines()

    def _is_due(self, condition: str) -> bool:
        match condition:
            case "success()":
                return not self.failed
            case "failure() && steps.before.outputs.deployment != ''":
                return self.failed and self._values.get("steps.before.outputs.deployment", "") != ""
            case _:
                raise ValueError(condition)

    def _run(self, step: Mapping[str, Any]) -> None:
        output = self._folder / "output"
        output.write_text("")
        given = {**self._environment, **step.get("env", {})}
        done = subprocess.run(  # noqa: S603 - our own workflow
            [*SHELL, "-c", step["run"]],
            env={
                "PATH": f"{self._folder}:{os.environ['PATH']}",
                "TOLD": str(self._folder),
                "GITHUB_OUTPUT": str(output),
                **{name: self._filled(value) for name, value in given.items()},
            },
            check=False,
        )
        self.failed = self.failed or done.returncode != 0
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self._values[f"steps.{step['id']}.outputs.{name}"] = value

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: self._values.get(match[1], ""), text)


DEPLOY = "deploy STAGE=dev BUILT=1 PARAMS=alarms=off dryRun=false"
SMOKE = "smoke STAGE=dev"
UP_TO_DEPLOY = ["setup", "live STAGE=dev", DEPLOY]
BACK = ["rollback STAGE=dev TO=42", SMOKE]


def test_deployment_that_works_stays(tmp_path: Path) -> None:
    job = Job(tmp_path)

    assert job.calls == [*UP_TO_DEPLOY, SMOKE]
    assert not job.failed


def test_deployment_whose_smoke_test_fails_goes_back(tmp_path: Path) -> None:
    """What ran before is tried too, and the job is red all the same."""
    job = Job(tmp_path, failing=(SMOKE,))

    assert job.calls == [*UP_TO_DEPLOY, SMOKE, *BACK]
    assert job.failed


def test_deployment_that_fails_half_way_goes_back(tmp_path: Path) -> None:
    job = Job(tmp_path, failing=(DEPLOY,))

    assert job.calls == [*UP_TO_DEPLOY, *BACK]
    assert job.failed


def test_first_deployment_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    job = Job(tmp_path, live="", failing=(SMOKE,))

    assert job.calls == [*UP_TO_DEPLOY, SMOKE]
    assert job.failed


def test_nothing_is_deployed_while_the_way_back_is_unknown(tmp_path: Path) -> None:
    """A role that may not read the stack would otherwise deploy without one."""
    job = Job(tmp_path, live="", failing=("live STAGE=dev",))

    assert job.calls == UP_TO_DEPLOY[:-1]
    assert job.failed


@pytest.mark.parametrize("failing", [(SMOKE, "rollback STAGE=dev TO=42"), (SMOKE, SMOKE)])
def test_way_back_that_fails_is_red(tmp_path: Path, failing: tuple[str, ...]) -> None:
    job = Job(tmp_path, failing=failing)

    assert job.failed
    assert "rollback STAGE=dev TO=42" in job.calls
