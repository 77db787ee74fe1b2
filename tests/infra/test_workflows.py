"""The workflows; what `make zizmor` does not look for."""

import re
from typing import Any

import pytest
import yaml

from infra.template import ROOT

FOLDER = ROOT / ".github" / "workflows"
PINNED = re.compile(
    r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v\d+\.\d+\.\d+)"
)


def workflow(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return read


def test_every_job_is_required() -> None:
    """Branch protection knows one name: a check that it does not wait for may fail unseen."""
    jobs = workflow("ci.yml")["jobs"]
    last = jobs.pop("required-checks-pass")

    assert set(last["needs"]) == set(jobs)
    assert last["if"] == "always()"  # a job that is skipped counts as passed


def test_package_goes_from_stage_to_stage_and_is_built_once() -> None:
    jobs = workflow("deploy.yml")["jobs"]

    stages = {name: job for name, job in jobs.items() if "stage" in job.get("with", {})}
    assert {name: (job["with"]["stage"], job["needs"]) for name, job in stages.items()} == {
        "dev": ("dev", "build"),
        "staging": ("staging", "dev"),
        "production": ("production", "staging"),
    }
    assert jobs["build"]["needs"] == "checks"
    [deploy] = [step for step in _steps() if "make deploy" in step.get("run", "")]
    assert "BUILT=1" in deploy["run"]


def test_failed_deployment_goes_back_to_what_was_there() -> None:
    names = [step["name"] for step in _steps() if "name" in step]

    assert names == [
        "What is deployed now",
        "Deploy",
        "Smoke test",
        "Back to what was deployed before",
        "Smoke test of that",
    ]
    conditions = {step["name"]: step.get("if") for step in _steps() if "name" in step}
    back = "failure() && steps.before.outputs.deployment != ''"
    assert conditions["Back to what was deployed before"] == back
    assert conditions["Smoke test"] is None


def test_stage_s_job_runs_in_its_environment() -> None:
    """There its reviewer is asked, and only there its role may be assumed."""
    assert workflow("deploy_stage.yml")["jobs"]["deploy"]["environment"] == "${{ inputs.stage }}"


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_nothing_is_allowed_that_a_job_does_not_ask_for(name: str) -> None:
    assert workflow(name)["permissions"] == {}


def test_one_action_is_one_commit() -> None:
    """A tag can be moved to other code, a commit cannot; two commits would be half an update."""
    lines = [
        line.strip().removeprefix("- ")
        for path in FOLDER.iterdir()
        for line in path.read_text().splitlines()
        if "uses:" in line and "./" not in line
    ]

    pins = {(match["action"], match["commit"], match["tag"]) for match in map(_pin, lines)}
    assert len(pins) == len({action for action, _, _ in pins})


def _pin(line: str) -> re.Match[str]:
    match = PINNED.fullmatch(line)
    assert match, line
    return match


def _steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = workflow("deploy_stage.yml")["jobs"]["deploy"]["steps"]
    return steps
