"""The Python that runs an entry script, and the environment variables it starts with."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.scoring.target import Interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The caller's own Python must not reach into the environment's.
_FOREIGN = frozenset(
    {
        "PYTHONEXECUTABLE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSAFEPATH",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    }
)

_TOO_OLD = re.compile(r"python(?:2(?:\.\d+)?|3\.[0-5])")  # as it is called where links end


def interpreter_at(python: Path) -> Interpreter:
    """Return the interpreter *python*, with the conda prefix that it is in.

    Raises:
        DefinitionError: there is no such program, or it is too old to run an entry script.
    """
    # Not resolved: a virtual environment is known by the path that its symlink is called by.
    path = python.absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise DefinitionError(
            f"`{python}` is not a Python that can be run",
            hint="give `--python` the path of an interpreter, such as `PREFIX/bin/python`",
        )
    if _TOO_OLD.fullmatch(name := path.resolve().name):
        raise DefinitionError(
            f"`{python}` is `{name}`; entry scripts are run by Python 3.6 or newer",
            hint="ask for a newer Python in the definition, or give one with `--python`",
        )
    directory = path.parent if sys.platform == "win32" else path.parent.parent
    return Interpreter(python=path, prefix=directory if _is_conda(directory) else None)


def activated(
    environ: Mapping[str, str], interpreter: Interpreter, variables: Mapping[str, str]
) -> dict[str, str]:
    """Return *environ* as it is inside the environment of *interpreter*, with *variables*.

    Activation scripts of packages are not run. In a conda environment the user's own
    site-packages stay out, as they are no part of what was locked.
    """
    inside = {name: value for name, value in environ.items() if name not in _FOREIGN}
    directories = [str(interpreter.python.parent)]
    if interpreter.prefix is not None:
        inside["CONDA_PREFIX"] = str(interpreter.prefix)
        inside["CONDA_DEFAULT_ENV"] = interpreter.prefix.name
        inside["PYTHONNOUSERSITE"] = "1"
        if sys.platform == "win32":
            directories += [str(interpreter.prefix / part) for part in ("Library/bin", "Scripts")]
    inside["PATH"] = os.pathsep.join([*directories, environ.get("PATH", os.defpath)])
    return inside | dict(variables)


def _is_conda(prefix: Path) -> bool:
    return (prefix / "conda-meta").is_dir()
