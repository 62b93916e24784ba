"""The story of `envsync run`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envsync import process
from envsync.errors import EnvsyncError
from envsync.realise.location import environment_path, find_home, python_path
from envsync.score.interpreter import activated, interpreter_at
from envsync.spec import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def run(
    directory: Path, command: Sequence[str], *, prefix: Path | None = None, name: str | None = None
) -> int:
    """Run *command* in the environment of the definition in *directory*; return its status.

    Its standard streams are those of this process.

    Raises:
        DefinitionError: the definition is wrong.
        EnvsyncError: its environment or the program isn't there.
    """
    spec = load(directory).spec
    chosen = name or spec.name or spec.directory.resolve().name
    place = (prefix or environment_path(chosen, find_home())).absolute()
    if not python_path(place).exists():
        raise EnvsyncError(
            f"No environment with a Python is at `{place}`",
            hint=f"run `envsync build-local {directory}`",
        )
    interpreter = interpreter_at(python_path(place))
    variables = dict(spec.environment_variables)
    return process.call(command, env=activated(os.environ, interpreter, variables))
