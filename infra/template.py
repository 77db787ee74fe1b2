"""
Compile serverless.yml into the CloudFormation template of a stage.

Needs no account, no credentials and no network.
`python -m infra.template STAGE ...` writes `dist/templates/STAGE.json` for the checks, and an
example of every door beside them.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from infra import ingress

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

#: Who is told by which kind of alarm, in the template's words.
_RECIPIENTS = {
    "pages": ("PageEmail", "PageTopicArn"),
    "tickets": ("TicketEmail", "TicketTopicArn"),
}

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
    _check(params or {})
    given = {**(params or {}), "artifact": str(artifact)}
    options = [f"--param={name}={value}" for name, value in given.items()]
    with TemporaryDirectory(prefix="osls-") as scratch:
        folder = _copy_sources(Path(scratch))
        _run_osls("package", "--stage", stage, *options, folder=folder)
        _refuse_nonsense(stage, params or {}, folder=folder)
        if stage in _WATCHED:
            _refuse_unheard(stage, compiled=folder / _COMPILED)
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, with_copy_of=folder / _COMPILED)


def _check(params: Mapping[str, str]) -> None:
    """Refuse what osls would take without a word: a misspelt parameter changes nothing."""
    sources = (ROOT / "serverless.yml", *sorted((ROOT / "infra").glob("*.yml")))
    known = {name for path in sources for name in _PARAMETER.findall(path.read_text())}
    for name, value in params.items():
        if name not in known:
            raise BuildError(f"no parameter {name!r}; there are {', '.join(sorted(known))}")
        if not value:
            raise BuildError(f"the parameter {name} needs a value: {name}=...")


def _refuse_nonsense(stage: str, params: Mapping[str, str], *, folder: Path) -> None:
    stages = json.loads((folder / _STATE).read_text())["service"]["initialServerlessConfig"][
        "params"
    ]
    template = json.loads((folder / _COMPILED).read_text())
    chosen = {**stages.get(stage, {}), **params}
    if wrong := list(ingress.complaints(stages["default"], chosen, template=template)):
        raise BuildError("\n".join(wrong))


def _refuse_unheard(stage: str, *, compiled: Path) -> None:
    template = json.loads(compiled.read_text())
    if not any(one["Type"] == "AWS::CloudWatch::Alarm" for one in template["Resources"].values()):
        raise BuildError(f'{stage} has no alarms: leave the parameter alarms at "on"')
    declared = template["Parameters"]
    for kind, names in _RECIPIENTS.items():
        if not any(declared[name]["Default"] for name in names):
            email, topic = (name[0].lower() + name[1:] for name in names)
            raise BuildError(
                f"nobody would get the {kind} of {stage}: set {email} or {topic}, for good under "
                f"`params` in serverless.yml, or for once, as in "
                f'make deploy STAGE={stage} PARAMS="{email}=you@example.com ..."'
            )


def compile_templates(stages: Sequence[str], *, folder: Path) -> None:
    """
    Write `STAGE.json` for each of *stages* to *folder*, without building the functions.

    For checks only: their alarms tell an address that nobody reads.

    Raises:
        BuildError: As `compile_template`.
    """
    told = {"pageEmail": "page@example.com", "ticketEmail": "ticket@example.com"}
    _compile_each({stage: (stage, told) for stage in stages}, folder=folder)


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
        compiled = [
            pool.submit(
                compile_template,
                stage,
                artifact=stub,
                target=folder / f"{name}.json",
                params=params,
            )
            for name, (stage, params) in wanted.items()
        ]
        for each in compiled:
            each.result()


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


def _replace(target: Path, *, with_copy_of: Path) -> None:
    """In one step, so that another process reads the old file or the new one, never half of it."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(with_copy_of, fresh)
    fresh.replace(target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the stages named on the command line, and every door once."""
    parser = argparse.ArgumentParser(prog="python -m infra.template")
    parser.add_argument("stages", nargs="+", metavar="STAGE")
    stages = parser.parse_args(arguments).stages
    folder = ROOT / "dist" / "templates"
    shutil.rmtree(folder, ignore_errors=True)  # the checks look at whatever lies there
    compile_templates(stages, folder=folder)
    compile_examples(folder=folder)


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(f"template: {error}")
