from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envsync.errors import DefinitionError
from envsync.model.scoring.target import Interpreter
from envsync.score.interpreter import activated, interpreter_at


def test_a_python_in_a_conda_environment_knows_its_prefix(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    found = interpreter_at(tmp_path / "bin" / "python")
    assert found == Interpreter(python=tmp_path / "bin" / "python", prefix=tmp_path)


def test_another_python_has_no_prefix() -> None:
    found = interpreter_at(Path(sys.executable))
    assert found == Interpreter(python=Path(sys.executable), prefix=None)


@pytest.mark.parametrize("name", ["missing", "directory", "data.txt"])
def test_what_cannot_be_run_is_no_interpreter(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "data.txt").touch()
    with pytest.raises(DefinitionError) as caught:
        interpreter_at(tmp_path / name)
    assert caught.value.message == f"`{tmp_path / name}` is not a Python that can be run"


@pytest.mark.parametrize("name", ["python2", "python2.7", "python3.5"])
def test_a_python_that_the_runtime_is_not_written_for_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / name).chmod(0o755)
    (tmp_path / "python").symlink_to(name)
    with pytest.raises(DefinitionError) as caught:
        interpreter_at(tmp_path / "python")
    assert caught.value.message == (
        f"`{tmp_path / 'python'}` is `{name}`; entry scripts are run by Python 3.6 or newer"
    )


def test_activation_puts_the_environment_first() -> None:
    environ = {"PATH": "/usr/bin", "HOME": "/home/me", "PYTHONPATH": "x", "CONDA_PREFIX": "/other"}
    interpreter = Interpreter(python=Path("/envs/a/bin/python"), prefix=Path("/envs/a"))
    assert activated(environ, interpreter, {"HOME": "/mine", "A": "1"}) == {
        "PATH": "/envs/a/bin:/usr/bin",
        "HOME": "/mine",
        "A": "1",
        "CONDA_PREFIX": "/envs/a",
        "CONDA_DEFAULT_ENV": "a",
        "PYTHONNOUSERSITE": "1",
    }


def test_a_python_outside_conda_is_not_said_to_be_activated() -> None:
    interpreter = Interpreter(python=Path("/venv/bin/python"))
    assert activated({"PATH": "/usr/bin"}, interpreter, {}) == {"PATH": "/venv/bin:/usr/bin"}
