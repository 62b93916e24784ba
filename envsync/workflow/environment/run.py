"""The story of `envsync run`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync import process
from envsync.definition import load
from envsync.errors import EnvsyncError
from envsync.model.text.wording import shell_quote
from envsync.package.python import python_path
from envsync.prefix.location import environment_path, find_home
from envsync.score.interpreter import activated, interpreter_at
from envsync.workflow.environment.proof import prove
from envsync.workflow.lock.files import is_lock_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envsync.model.scoring.target import Interpreter
    from envsync.workflow.environment.proof import Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTarget:
    """The environment of a definition, its *variables*, and whether it is what its lock says."""

    interpreter: Interpreter
    variables: Mapping[str, str]
    proof: Proof


def find_run_target(
    directory: Path, *, prefix: Path | None = None, name: str | None = None
) -> RunTarget:
    """Return the environment of the definition in *directory*, or of the lockfile that it is.

    Raises:
        DefinitionError: the definition is wrong.
        EnvsyncError: its environment isn't there.
    """
    variables: Mapping[str, str] = {}
    if is_lock_file(directory):
        chosen = name or directory.resolve().parent.name
    else:
        spec = load(directory).spec
        chosen = name or spec.name or spec.directory.resolve().name
        variables = dict(spec.environment_variables)
    place = (prefix or environment_path(chosen, find_home())).absolute()
    if not python_path(place).exists():
        where = (
            f" -p {shell_quote(place)}" if prefix else f" -n {shell_quote(name)}" if name else ""
        )
        raise EnvsyncError(
            f"No environment with a Python is at `{place}`",
            hint=f"run `envsync build-local {shell_quote(directory)}{where}`",
        )
    return RunTarget(
        interpreter=interpreter_at(python_path(place)),
        variables=variables,
        proof=prove(place, directory, is_at_hand=prefix is not None),
    )


def run(target: RunTarget, command: Sequence[str]) -> int:
    """Run *command* in the environment *target*; return its status.

    Its standard streams are those of this process.

    Raises:
        EnvsyncError: the program isn't there.
    """
    return process.call(command, env=activated(os.environ, target.interpreter, target.variables))
