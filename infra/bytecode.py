"""
Compile what is shipped, so that a cold start need not.

Lambda's code folder is read-only: a module without bytecode is compiled again at every cold start,
and so is one whose bytecode names its source's time, for the zip has another. So the bytecode says
that it is right, and nobody looks (`unchecked-hash`). It names its source without a folder, so that
it does not depend on this machine's; Python puts the real one in its place.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.template import BuildError

#: Runs in the other interpreter, which need not know this project.
_COMPILE = """
import json, py_compile, sys

for source, compiled, name in json.load(sys.stdin):
    py_compile.compile(
        source,
        cfile=compiled,
        dfile=name,
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""

_DESCRIBE = """
import json, platform, sys

ours = sys.implementation
print(json.dumps([ours.name, sys.version_info[:2], platform.python_version(), ours.cache_tag]))
"""


@dataclass(frozen=True, slots=True)
class Compiler:
    """An interpreter whose bytecode is shipped."""

    path: str
    version: str
    #: The word for it in the names of its files.
    tag: str

    @classmethod
    def at(cls, path: str, *, python: tuple[int, int]) -> Self | None:
        """Return the interpreter at *path* if there is a CPython *python*, else None."""
        try:
            name, release, version, tag = json.loads(_run(path, _DESCRIBE, given=""))
        except (OSError, subprocess.CalledProcessError, ValueError):
            return None
        return cls(path, version, tag) if (name, *release) == ("cpython", *python) else None

    def compile(self, sources: Mapping[str, Path], *, folder: Path) -> dict[str, Path]:
        """
        Write the bytecode of the Python files among *sources* to *folder*, and return it by name.

        Raises:
            BuildError: one of them is not this Python.
        """
        compiled = {
            self._compiled_name(name): (source, name)
            for name, source in sorted(sources.items())
            if name.endswith(".py")
        }
        order = [
            (str(source), str(folder / target), name) for target, (source, name) in compiled.items()
        ]
        try:
            _run(self.path, _COMPILE, given=json.dumps(order))
        except subprocess.CalledProcessError as error:
            raise BuildError(
                f"Python {self.version} could not compile:\n{error.stderr.strip()}"
            ) from None
        return {target: folder / target for target in compiled}

    def _compiled_name(self, name: str) -> str:
        path = Path(name)
        return (path.parent / "__pycache__" / f"{path.stem}.{self.tag}.pyc").as_posix()


def find_compiler(
    python: tuple[int, int], *, environment: Mapping[str, str] = os.environ
) -> Compiler | None:
    """
    Return a CPython of the version *python*, or None where there is none on this machine.

    Raises:
        BuildError: the variable that says where it is, such as PYTHON313, is wrong.
    """
    major, minor = python
    variable = f"PYTHON{major}{minor}"
    if path := environment.get(variable, ""):
        compiler = Compiler.at(shutil.which(path) or path, python=python)
        if compiler is None:
            raise BuildError(f"{variable}={path} is no CPython {major}.{minor}")
        return compiler
    on_path = shutil.which(f"python{major}.{minor}", path=environment.get("PATH", ""))
    return Compiler.at(sys.executable, python=python) or (
        Compiler.at(on_path, python=python) if on_path else None
    )


def _run(python: str, code: str, *, given: str) -> str:
    """-I and -S: nothing of whoever calls decides how it compiles."""
    return subprocess.run(  # noqa: S603 - an interpreter that was chosen, our own code
        [python, "-I", "-S", "-c", code],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
