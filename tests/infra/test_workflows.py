"""The workflows; what `make zizmor` does not look for."""

import re
from typing import Any

import pytest
import yaml

from infra.template import ROOT

FOLDER = ROOT / ".github" / "workflows"
GATE = ROOT / ".ci" / "run"
PINNED = re.compile(
    r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v\d+\.\d+\.\d+)"
)


def workflow(name: str) -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text())
    return read


def test_every_job_is_required() -> None:
    """Branch protection knows one name: a check that it does not wait for may fail unseen."""
    jobs = workflow("ci.yml")["jobs"]
    last = jobs.pop("required-checks-pass")

    assert set(last["needs"]) == set(jobs)
    assert last["if"] == "always()"  # a job that is skipped counts as passed


def test_gate_runs_under_both_pythons_and_audits() -> None:
    """Developers' Python and Lambda's; a check that is there and runs nothing is green for ever."""
    jobs = workflow("ci.yml")["jobs"]

    assert jobs["gate"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert _runs(jobs["gate"]) == ["bash .ci/run"]
    assert _runs(jobs["audit"]) == ["make audit"]


def test_gate_leaves_nothing_out() -> None:
    """What it runs without a word is what CI runs."""
    [steps] = re.findall(r"^\[ \$# -gt 0 \] \|\| set -- (.+)$", GATE.read_text(), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()

    assert set(steps.split()) == {
        *("setup", "pins", "lint", "types", "imports", "zizmor", "checkov", "test")
    }
    assert re.search(r"^checkov: template ", makefile, re.MULTILINE)
    [template] = re.findall(r"^template:.+\n((?:\t.+\n)+)", makefile, re.MULTILINE)
    for part in ("infra.package", "infra.template $(STAGES)", "cfn-lint"):
        assert part in template


def test_only_main_is_deployed_and_only_where_somebody_wants_it() -> None:
    """A copy of the repository, or a branch, must not reach anybody's account."""
    deploy = workflow("deploy.yml")

    assert deploy[True] == {"push": {"branches": ["main"]}}  # YAML 1.1 takes `on` for true
    assert deploy["jobs"]["build"]["if"] == "vars.DEPLOY == 'on'"
    assert deploy["jobs"]["build"]["needs"] == "checks"


def test_package_goes_from_stage_to_stage() -> None:
    jobs = workflow("deploy.yml")["jobs"]

    stages = {name: job for name, job in jobs.items() if "stage" in job.get("with", {})}
    assert {name: (job["with"]["stage"], job["needs"]) for name, job in stages.items()} == {
        "dev": ("dev", "build"),
        "staging": ("staging", "dev"),
        "production": ("production", "staging"),
    }


def test_package_is_built_once_and_handed_on() -> None:
    """What was tried is what runs: a stage that builds for itself has tried something else."""
    [built] = [run for run in _runs(workflow("deploy.yml")["jobs"]["build"]) if "infra" in run]
    [kept] = _given(workflow("deploy.yml")["jobs"]["build"], "actions/upload-artifact")
    [taken] = _given(workflow("deploy_stage.yml")["jobs"]["deploy"], "actions/download-artifact")

    assert built == ".venv/bin/python -m infra.package --deployable"
    assert kept["path"].split() == ["dist/lambda/functions.zip", "dist/lambda/sbom.cdx.json"]
    # It forgets the folder that all have in common, which is where they are put again.
    assert (taken["name"], taken["path"]) == (kept["name"], "dist/lambda")


def test_role_is_assumed_where_something_is_deployed_and_nowhere_else() -> None:
    """A job that may ask for the token of its environment can become that stage's role."""
    deploying = workflow("deploy.yml")["jobs"]
    may = {
        name: job.get("permissions", {}).get("id-token")
        for name, job in (*deploying.items(), *workflow("ci.yml")["jobs"].items())
    }

    assert {name for name, right in may.items() if right == "write"} == {
        *("dev", "staging", "production"),
    }
    [role] = _given(
        workflow("deploy_stage.yml")["jobs"]["deploy"], "aws-actions/configure-aws-credentials"
    )
    assert role["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"


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


def _runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def _given(job: dict[str, Any], action: str) -> list[dict[str, str]]:
    return [step["with"] for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]
