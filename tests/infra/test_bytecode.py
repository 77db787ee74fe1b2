"""infra/bytecode.py: bytecode that Lambda takes without looking at the source."""

import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from infra.bytecode import Compiler, find_compiler
from infra.template import BuildError

OURS = sys.version_info[:2]
VARIABLE = "PYTHON{}{}".format(*OURS)
#: "Here is a hash of my source, do not check it": https://peps.python.org/pep-0552/
UNCHECKED_HASH = (1).to_bytes(4, "little")


@pytest.fixture
def compiler() -> Compiler:
    compiler = find_compiler(OURS, environment={})
    assert compiler
    return compiler


def test_bytecode_never_asks_for_its_source(compiler: Compiler, tmp_path: Path) -> None:
    """A zip changes every file's time: bytecode that compares it is thrown away at each start."""
    (tmp_path / "one.py").write_text("ONE = 1\n")

    compiled = compiler.compile({"package/one.py": tmp_path / "one.py"}, folder=tmp_path)

    name = f"package/__pycache__/one.{sys.implementation.cache_tag}.pyc"
    assert list(compiled) == [name]
    header = compiled[name].read_bytes()[:8]
    assert header == MAGIC_NUMBER + UNCHECKED_HASH


def test_only_python_is_compiled(compiler: Compiler, tmp_path: Path) -> None:
    (tmp_path / "cacert.pem").write_text("not Python")

    assert compiler.compile({"cacert.pem": tmp_path / "cacert.pem"}, folder=tmp_path) == {}


def test_bytecode_is_used(compiler: Compiler, tmp_path: Path) -> None:
    """What would be compiled again on a read-only folder costs every cold start."""
    source = tmp_path / "module.py"
    source.write_text("print('compiled before')\n")
    compiler.compile({"module.py": source}, folder=tmp_path)
    source.write_text("raise SystemExit('compiled again')\n")

    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-c", _IMPORT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout == "compiled before\n"


_IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import module"


def test_equal_sources_make_equal_bytecode(compiler: Compiler, tmp_path: Path) -> None:
    """Wherever they lie, and whatever the hashes of sets and strings are in that process."""
    text = "WORDS = {'a', 'b', 'c', 'd'}\ndef among(word): return word in {'x', 'y', 'z', 'w'}\n"

    contents = set()
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "module.py").write_text(text)
        [path] = compiler.compile({"module.py": folder / "module.py"}, folder=folder).values()
        contents.add(path.read_bytes())

    assert len(contents) == 1


def test_what_is_not_this_python_is_not_shipped(compiler: Compiler, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def broken(:\n")

    with pytest.raises(BuildError, match=r"(?s)could not compile:.*broken\.py"):
        compiler.compile({"broken.py": tmp_path / "broken.py"}, folder=tmp_path)


def test_interpreter_may_be_named() -> None:
    compiler = find_compiler(OURS, environment={VARIABLE: sys.executable})

    assert compiler
    assert compiler.path == sys.executable


@pytest.mark.parametrize("named", ["/no/such/python", "/bin/true"])
def test_named_interpreter_must_be_one(named: str) -> None:
    """To fall back on another would ship what nobody asked for."""
    with pytest.raises(BuildError, match=f"{VARIABLE}={named} is no CPython"):
        find_compiler(OURS, environment={VARIABLE: named})


def test_interpreter_of_another_version_is_none(tmp_path: Path) -> None:
    """Its bytecode would be thrown away. So is a shim, which is there and says that it is not."""
    shim = tmp_path / "python3.99"
    shim.symlink_to(sys.executable)

    assert find_compiler((3, 99), environment={"PATH": str(tmp_path)}) is None
    assert find_compiler((3, 99), environment={}) is None
