"""The compiled templates, compiled once for all tests."""

import pytest

from infra.ingress import EXAMPLES
from infra.template import compile_examples, compile_template, compile_templates
from tests.conftest import Written
from tests.infra.compiled import STAGES, Template
from tests.infra.emitted import Series, emitted


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    folder = tmp_path_factory.mktemp("templates")
    compile_templates(STAGES, folder=folder)
    return {stage: Template.read(folder, stage) for stage in STAGES}


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Compile a template for each example of a door."""
    folder = tmp_path_factory.mktemp("doors")
    compile_examples(folder=folder)
    return {name: Template("dev", (folder / f"door-{name}.json").read_text()) for name in EXAMPLES}


@pytest.fixture(params=STAGES)
def template(templates: dict[str, Template], request: pytest.FixtureRequest) -> Template:
    """Every stage's template in turn: what holds, holds for all of them."""
    stage: str = request.param
    return templates[stage]


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch, written: Written) -> frozenset[Series]:
    """Every metric that the functions write, with its dimensions."""
    return emitted(monkeypatch, written)


@pytest.fixture(scope="session")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Compile a stage with everything switched on."""
    folder = tmp_path_factory.mktemp("loud")
    artifact = folder / "functions.zip"
    artifact.write_text("something")
    compile_template(
        "staging", artifact=artifact, target=folder / "staging.json", params={"silence": "on"}
    )
    return Template.read(folder, "staging")
