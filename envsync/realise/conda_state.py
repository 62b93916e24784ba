"""What conda itself wants to find: variables, a history, a list of environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.files import lock_directory, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = "conda-meta/state"


def write_state(target: Path, variables: Sequence[tuple[str, str]]) -> None:
    """Write *variables* into *target*'s `conda-meta/state`, from where activation sets them."""
    meta = target / "conda-meta"
    meta.mkdir(parents=True, exist_ok=True)
    if variables:
        content = json.dumps({"version": 1, "env_vars": dict(variables)})
        (target / STATE).write_text(content + "\n", encoding="utf-8")
    (meta / "history").touch()  # its presence is what makes a folder an environment to conda


def read_variables(prefix: Path) -> dict[str, str]:
    """Return the variables that activation sets in *prefix*; none where they can't be read."""
    try:
        variables = json.loads((prefix / STATE).read_text(encoding="utf-8"))["env_vars"]
        return {str(name): str(value) for name, value in variables.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def register(prefix: Path) -> None:
    """List *prefix* in `~/.conda/environments.txt`, where `conda env list` looks."""
    registry = Path.home() / ".conda" / "environments.txt"
    with lock_directory(registry.parent):
        known = registry.read_text(encoding="utf-8").splitlines() if registry.exists() else []
        if str(prefix) not in known:
            write_atomically(registry, "\n".join((*known, str(prefix), "")).encode())
