"""infra/consumer.py: what block_recipients would refuse is not deployed."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.blocklist.adapters.policies import POLICIES
from infra.consumer import settings_of

STRICT = (POLICIES / "strict.toml").read_text()

GOOD = 'extends = "strict.toml"\n'
WRONG = f'{GOOD}\n[[rules]]\nname = "one"\nevent = "complaint"\nthen = "blok"\n'


def package(folder: Path, policies: Mapping[str, str]) -> Path:
    """Give a package that has *policies*, and something beside them that is none."""
    path = folder / "functions.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("functions/other/mine.toml", GOOD)
        for name, text in policies.items():
            archive.writestr(f"functions/blocklist/policies/{name}", text)
    return path


def template(**environment: str) -> Mapping[str, Any]:
    """Give as much of a template as says how the consumer starts."""
    variables = {
        "QUEUE_URL": {"Ref": "Queue"},
        "DEAD_LETTER_QUEUE_URL": {"Ref": "DeadLetterQueue"},
        "TENCENT_CREDENTIALS_PARAMETER": "/ses-blocklist/dev/tencent-credentials",
        "TENCENT_SES_REGION": {"Ref": "Region"},
        **environment,
    }
    consumer = {"Properties": {"Environment": {"Variables": variables}}}
    return {
        "Parameters": {"Region": {"Default": "ap-singapore"}, "Unset": {}},
        "Resources": {"BlockRecipientsLambdaFunction": consumer},
    }


def test_stage_with_a_policy_of_its_own_is_deployed(tmp_path: Path) -> None:
    artifact = package(tmp_path, {"strict.toml": STRICT, "mine.toml": GOOD})

    settings = settings_of(template(POLICY_FILE="mine.toml", DRY_RUN="true"), artifact=artifact)

    assert settings.policy_file == "mine.toml"
    assert settings.dry_run


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("mine.toml", WRONG, r"mine\.toml, line 6: then: 'blok' is not one of block, "),
        ("mine.toml", "extends = \n", r"mine\.toml is no TOML: .* line 1"),
        ("mine.toml", 'extends = "lost.toml"\n', r"mine\.toml, line 1: there is no .*'lost\.toml'"),
        ("other.toml", GOOD, r"no policy 'mine\.toml' .* there are other\.toml, strict\.toml"),
    ],
)
def test_policy_that_does_not_load_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    """Deployed, the stage would decide about nobody, and its mail would wait until it is lost."""
    artifact = package(tmp_path, {"strict.toml": STRICT, name: text})

    with pytest.raises(ValueError, match=problem) as refusal:
        settings_of(template(POLICY_FILE="mine.toml"), artifact=artifact)

    assert "functions/blocklist/policies" in str(refusal.value)
    assert "policyFile" in str(refusal.value)


def test_policy_is_looked_for_in_the_package_and_not_in_the_checkout(tmp_path: Path) -> None:
    """With BUILT=1 the package was built elsewhere, from whatever was there then."""
    artifact = package(tmp_path, {"lenient.toml": STRICT})

    with pytest.raises(ValueError, match=r"no policy 'strict\.toml'"):
        settings_of(template(), artifact=artifact)


def test_settings_that_it_would_refuse_are_named(tmp_path: Path) -> None:
    artifact = package(tmp_path, {"strict.toml": STRICT})

    with pytest.raises(ValueError, match=r"would not start: DRY_RUN is 'flase'"):
        settings_of(template(DRY_RUN="flase"), artifact=artifact)
