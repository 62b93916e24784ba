"""Files for conda itself: variables, a history, the list of environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import cannot_write, lock_directory, read_regular, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = "conda-meta/state"
_LARGEST = 1 << 20  # bytes


def write_state(target: Path, variables: Sequence[tuple[str, str]]) -> None:
    """Write *variables* to *target*'s `conda-meta/state`, from where activation sets them.

    A package's file there is replaced, and its links are not followed.

    Raises:
        EnvsyncError: there is no room, or a package has something in the place of a folder.
    """
    make_own_folder(target, "conda-meta")
    (target / STATE).unlink(missing_ok=True)
    if variables:
        content = json.dumps({"version": 1, "env_vars": dict(variables)})
        write_atomically(target / STATE, f"{content}\n".encode())
    # Conda takes a folder with this file for an environment.
    write_atomically(target / "conda-meta" / "history", b"")


def make_own_folder(target: Path, name: str) -> Path:
    """Return the folder *name* in *target*, creating it if needed.

    Raises:
        EnvsyncError: a package has a link or a file there, or the folder can't be created.
    """
    folder = target / name
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    if folder.is_symlink():
        raise EnvsyncError(f"A package has a link in the place of the folder `{name}`")
    return folder


def read_variables(prefix: Path) -> dict[str, str]:
    """Return the variables that activation sets in *prefix*, none if they can't be read."""
    try:
        variables = json.loads(read_regular(prefix / STATE, most=_LARGEST))["env_vars"]
        return {str(name): str(value) for name, value in variables.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def register(prefix: Path) -> None:
    """List *prefix* in `~/.conda/environments.txt`, where `conda env list` looks."""
    registry = Path.home() / ".conda" / "environments.txt"
    with lock_directory(registry.parent):
        known = registry.read_text(encoding="utf-8").splitlines() if registry.exists() else []
        if str(prefix) not in known:
            write_atomically(registry, "\n".join((*known, str(prefix), "")).encode())
