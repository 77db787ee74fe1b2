"""infra/template.py: osls' result where it belongs, or its own words."""

import json
import zipfile
from pathlib import Path

import pytest

from functions.blocklist.adapters.policies import POLICIES
from infra import template
from infra.template import BuildError, compile_template
from tests.infra.compiled import CONSUMER

#: Settings without which the consumer does not start.
NEEDED = ("QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "TENCENT_CREDENTIALS_PARAMETER")
TOPIC = "arn:aws:sns:ap-southeast-1:000000000000:ours"


def test_deployment_can_set_what_the_stage_does_not(tmp_path: Path) -> None:
    """Ids and domains of an account stay out of the repository."""
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"

    compile_template(
        "staging",
        artifact=artifact,
        target=target,
        params={
            "dryRun": "false",
            "expectedAppIds": "1250000000,1250000001",
            "tencentSesEndpoint": "ses.tencentcloudapi.com",
        },
    )

    compiled = json.loads(target.read_text())
    variables = compiled["Resources"][CONSUMER]["Properties"]["Environment"]["Variables"]
    assert variables["DRY_RUN"] == "false"
    assert variables["EXPECTED_APP_IDS"] == "1250000000,1250000001"
    assert compiled["Parameters"]["TencentSesEndpoint"]["Default"] == "ses.tencentcloudapi.com"


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({}, "pages of production: set pageEmail or pageTopicArn"),
        ({"ticketEmail": "ticket@example.com"}, "pages of production"),
        ({"pageTopicArn": TOPIC}, "tickets of production: set ticketEmail or ticketTopicArn"),
    ],
)
def test_production_is_not_built_while_nobody_would_hear_of_it(
    tmp_path: Path, told: dict[str, str], missing: str
) -> None:
    """Alarms that nobody hears are found out by those whose mail was lost."""
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"

    with pytest.raises(BuildError, match=missing):
        compile_template("production", artifact=artifact, target=target, params=told)

    assert not target.exists()


def test_production_is_not_built_without_alarms(tmp_path: Path) -> None:
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"
    told = {"pageEmail": "page@example.com", "ticketEmail": "ticket@example.com"}

    with pytest.raises(BuildError, match="production has no alarms"):
        compile_template(
            "production", artifact=artifact, target=target, params={**told, "alarms": "off"}
        )


def test_stage_that_nobody_waits_for_may_do_without_alarms(tmp_path: Path) -> None:
    """They cost more than all the rest of it."""
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"

    compile_template("dev", artifact=artifact, target=target, params={"alarms": "off"})

    kinds = {resource["Type"] for resource in json.loads(target.read_text())["Resources"].values()}
    assert not [kind for kind in kinds if "CloudWatch" in kind]


def test_production_is_built_for_an_address_and_for_a_topic(tmp_path: Path) -> None:
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"

    compile_template(
        "production",
        artifact=artifact,
        target=target,
        params={"pageTopicArn": TOPIC, "ticketEmail": "ticket@example.com"},
    )

    parameters = json.loads(target.read_text())["Parameters"]
    told = {name: one for name, one in parameters.items() if name.startswith(("Page", "Ticket"))}
    assert {name: one["Default"] for name, one in told.items()} == {
        "PageEmail": "",
        "PageTopicArn": TOPIC,
        "TicketEmail": "ticket@example.com",
        "TicketTopicArn": "",
    }


def test_refusal_is_told_in_osls_own_words(tmp_path: Path) -> None:
    """What was there before stays: half a template would be worse than an old one."""
    artifact, target = _some_file(tmp_path / "functions.zip"), _some_file(tmp_path / "old.json")

    with pytest.raises(BuildError, match=r"maximumConcurrency.*must be >= 2"):
        compile_template("dev", artifact=artifact, target=target, params={"concurrency": "1"})

    assert target.read_text() == "something"


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"ingress": "gateway"}, "ingress must be url, http-api, alb or none"),
        ({"ingress": "none"}, "ingress none: .* set producers"),
        ({"producers": "somebody"}, "producers must be ARNs of roles.*, not 'somebody'"),
    ],
)
def test_door_that_makes_no_sense_is_not_built(
    tmp_path: Path, params: dict[str, str], told: str
) -> None:
    artifact, target = _some_file(tmp_path / "functions.zip"), tmp_path / "template.json"

    with pytest.raises(BuildError, match=told):
        compile_template("dev", artifact=artifact, target=target, params=params)

    assert not target.exists()


def test_missing_tool_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "_OSLS", tmp_path / "osls")

    with pytest.raises(BuildError, match="make setup"):
        compile_template("dev", artifact=tmp_path, target=tmp_path / "template.json")


def _some_file(path: Path) -> Path:
    path.write_text("something")
    return path


def test_template_is_not_written_for_a_package_that_would_stand_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever deploys without osls would learn of a policy that is not there from waiting mail."""

    def compile_without_osls(stages: list[str], *, folder: Path, params: dict[str, str]) -> None:
        variables = {"POLICY_FILE": params["policyFile"], **dict.fromkeys(NEEDED, "some")}
        consumer = {"Properties": {"Environment": {"Variables": variables}}}
        folder.mkdir(parents=True)
        for stage in stages:
            written = {"Parameters": {}, "Resources": {CONSUMER: consumer}}
            (folder / f"{stage}.json").write_text(json.dumps(written))

    monkeypatch.setattr(template, "ROOT", tmp_path)
    monkeypatch.setattr(template, "compile_templates", compile_without_osls)
    monkeypatch.setattr(template, "compile_examples", lambda **_: None)
    artifact = tmp_path / "dist" / "lambda" / "functions.zip"
    artifact.parent.mkdir(parents=True)
    with zipfile.ZipFile(artifact, "w") as archive:
        archive.write(POLICIES / "strict.toml", "functions/blocklist/policies/strict.toml")

    template.main(["dev", "--param", "policyFile=strict.toml"])
    with pytest.raises(BuildError, match=r"dev: (?s:.*)no policy 'mine\.toml'"):
        template.main(["dev", "--param", "policyFile=mine.toml"])
