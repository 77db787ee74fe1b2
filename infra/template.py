"""
Compile serverless.yml into the CloudFormation template of a stage (infra/plain.py).

Needs no account, no credentials and no network.
`python -m infra.template STAGE ...` writes `dist/templates/STAGE.json`, for the checks and for
whoever deploys without osls, an example of every door beside them, and the package if it is built.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra import ingress
from infra.consumer import settings_of
from infra.plain import RECIPIENTS, plain

ROOT = Path(__file__).resolve().parent.parent

_OSLS = ROOT / "node_modules" / ".bin" / "osls"

#: osls keeps what it keeps inside the checkout, also when make did not start it.
_OSLS_ENVIRONMENT = {
    "SLS_SCHEMA_CACHE_BASE_DIR": str(ROOT / "node_modules" / ".cache" / "osls"),
    "SLS_TELEMETRY_DISABLED": "1",
}

#: Where osls puts its result.
_COMPILED = Path(".serverless", "cloudformation-template-update-stack.json")

#: What osls notes beside it: among others the parameters of all stages.
_STATE = Path(".serverless", "serverless-state.json")

#: Nobody would learn that its mail is not blocked, so somebody must be told there.
_WATCHED = frozenset({"production"})

#: A stage parameter, where serverless.yml or one of its parts reads it.
_PARAMETER = re.compile(r"\$\{param:(\w+)")


class BuildError(Exception):
    """What was asked for cannot be built; the message is for whoever asked."""


def compile_template(
    stage: str, *, artifact: Path, target: Path, params: Mapping[str, str] | None = None
) -> None:
    """
    Write the template of *stage*, whose functions come from *artifact*, to *target*.

    *params* stand above what serverless.yml says for the stage.

    Raises:
        BuildError: a parameter that there is none of, or without a value; parameters that make no
            sense together; nobody would hear the alarms of a stage that needs it; osls is not
            installed, or it refused: its own words are in the message.
    """
    compiled = _compile(stage, artifact=artifact, params=params or {})
    if stage in _WATCHED:
        _refuse_unheard(stage, compiled)
    _write(target, plain(compiled, watched=stage in _WATCHED))


def _compile(stage: str, *, artifact: Path, params: Mapping[str, str]) -> dict[str, Any]:
    _check(params)
    given = {**params, "artifact": str(artifact)}
    options = [f"--param={name}={value}" for name, value in given.items()]
    with TemporaryDirectory(prefix="osls-") as scratch:
        folder = _copy_sources(Path(scratch))
        _run_osls("package", "--stage", stage, *options, folder=folder)
        compiled: dict[str, Any] = json.loads((folder / _COMPILED).read_text())
        state = json.loads((folder / _STATE).read_text())
    _refuse_nonsense(stage, params, compiled, state=state)
    return compiled


def _check(params: Mapping[str, str]) -> None:
    """Refuse what osls would take without a word: a misspelt parameter changes nothing."""
    sources = (ROOT / "serverless.yml", *sorted((ROOT / "infra").glob("*.yml")))
    known = {name for path in sources for name in _PARAMETER.findall(path.read_text())}
    for name, value in params.items():
        if name not in known:
            raise BuildError(f"no parameter {name!r}; there are {', '.join(sorted(known))}")
        if not value:
            raise BuildError(f"the parameter {name} needs a value: {name}=...")


def _refuse_nonsense(
    stage: str, params: Mapping[str, str], template: Mapping[str, Any], *, state: Mapping[str, Any]
) -> None:
    stages = state["service"]["initialServerlessConfig"]["params"]
    chosen = {**stages.get(stage, {}), **params}
    if wrong := list(ingress.complaints(stages["default"], chosen, template=template)):
        raise BuildError("\n".join(wrong))


def _refuse_unheard(stage: str, template: Mapping[str, Any]) -> None:
    if not any(one["Type"] == "AWS::CloudWatch::Alarm" for one in template["Resources"].values()):
        raise BuildError(f'{stage} has no alarms: leave the parameter alarms at "on"')
    declared = template["Parameters"]
    for kind, names in RECIPIENTS.items():
        if not any(declared[name]["Default"] for name in names):
            email, topic = (name[0].lower() + name[1:] for name in names)
            raise BuildError(
                f"nobody would get the {kind} of {stage}: set {email} or {topic}, for good under "
                f"`params` in serverless.yml, or for once, as in "
                f'make deploy STAGE={stage} PARAMS="{email}=you@example.com ..."'
            )


def compile_templates(
    stages: Sequence[str], *, folder: Path, params: Mapping[str, str] | None = None
) -> None:
    """
    Write `STAGE.json` for each of *stages* to *folder*, without building the functions.

    Who hears its alarms is asked when it is deployed.

    Raises:
        BuildError: As `compile_template`, but for alarms that nobody would hear.
    """
    _compile_each({stage: (stage, params or {}) for stage in stages}, folder=folder)


def compile_examples(*, folder: Path) -> None:
    """
    Write `door-NAME.json` for each of `ingress.EXAMPLES` to *folder*, for checks only.

    Raises:
        BuildError: As `compile_template`.
    """
    doors = {f"door-{name}": ("dev", params) for name, params in ingress.EXAMPLES.items()}
    _compile_each(doors, folder=folder)


def _compile_each(wanted: Mapping[str, tuple[str, Mapping[str, str]]], *, folder: Path) -> None:
    with TemporaryDirectory(prefix="stub-") as scratch, ThreadPoolExecutor() as pool:
        stub = _write_stub(Path(scratch) / "functions.zip")
        compiled = {
            name: (stage, pool.submit(_compile, stage, artifact=stub, params=params))
            for name, (stage, params) in wanted.items()
        }
        for name, (stage, future) in compiled.items():
            _write(folder / f"{name}.json", plain(future.result(), watched=stage in _WATCHED))


def _write_stub(path: Path) -> Path:
    """Even where only the template matters, osls wants to see a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stub.py", "")
    return path


def _copy_sources(folder: Path) -> Path:
    """Beside its source is where osls writes, so two runs in one folder would mix their results."""
    shutil.copy(ROOT / "serverless.yml", folder)
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("*.py*", "__*"))
    return folder


def _run_osls(*arguments: str, folder: Path) -> None:
    if not _OSLS.exists():
        raise BuildError("osls is not installed; run: make setup")
    done = subprocess.run(  # noqa: S603 - our own pinned tool with our own arguments
        [str(_OSLS), *arguments],
        cwd=folder,
        env=os.environ | _OSLS_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"osls {' '.join(arguments[:3])} failed:\n{done.stdout.strip()}")


def _write(target: Path, template: Mapping[str, Any]) -> None:
    """In one step, so that another process reads the old file or the new one, never half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    fresh.write_text(json.dumps(template, indent=2))
    fresh.replace(target)


def _copy_package(artifact: Path, *, folder: Path) -> Path:
    """Copy it under a name that changes with its content, as a key in a bucket must."""
    for old in folder.glob("functions-*.zip"):
        old.unlink()
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()[:12]
    return Path(shutil.copy(artifact, folder / f"functions-{digest}.zip"))


def _refuse_standstill(templates: Iterable[Path], *, artifact: Path) -> None:
    for path in templates:
        try:
            settings_of(json.loads(path.read_text()), artifact=artifact)
        except ValueError as error:
            raise BuildError(f"{path.stem}: {error}") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the stages named on the command line, and every door once."""
    parser = argparse.ArgumentParser(prog="python -m infra.template")
    parser.add_argument("stages", nargs="+", metavar="STAGE")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    folder, artifact = ROOT / "dist" / "templates", ROOT / "dist" / "lambda" / "functions.zip"
    pairs = (param.partition("=") for param in given.param)
    params = {name: value for name, _, value in pairs}
    shutil.rmtree(folder, ignore_errors=True)  # the checks look at whatever lies there
    compile_templates(given.stages, folder=folder, params=params)
    compile_examples(folder=folder)
    if artifact.exists():
        _refuse_standstill([folder / f"{stage}.json" for stage in given.stages], artifact=artifact)
        copied = _copy_package(artifact, folder=folder).relative_to(ROOT)
        print(f"{copied} goes with them: CodeKey")  # noqa: T201 - this is a command


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(f"template: {error}")
