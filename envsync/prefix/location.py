"""Where environments are, and what may be there already."""

from __future__ import annotations

import os
from pathlib import Path

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.environment_name import is_folder_name
from envsync.model.text.redaction import shorten
from envsync.remedy import Option, advise


def find_home() -> Path:
    """Return `$ENVSYNC_HOME`, or `~/.envsync`."""
    named = os.environ.get("ENVSYNC_HOME")
    return Path(named).absolute() if named else Path.home() / ".envsync"


def environment_path(name: str, home: Path) -> Path:
    """Return the path of the environment *name* in *home*.

    Raises:
        DefinitionError: *name* can't be the name of a folder.
    """
    if not is_folder_name(name):
        raise DefinitionError(
            f"`{shorten(name)}` can't be the name of an environment's folder",
            hint=advise("choose a path with ", Option("prefix", "PREFIX")),
        )
    return home / "envs" / name


def generations_path(prefix: Path) -> Path:
    """Return the folder that holds the generations of *prefix*: hidden, and beside it."""
    return prefix.parent / f".{prefix.name}.generations"


def is_generation(prefix: Path) -> bool:
    """Return whether *prefix*, which is not a link, is an environment that envsync created."""
    folder = prefix.parent.name
    return prefix.name.isdigit() and folder.startswith(".") and folder.endswith(".generations")


def check_replaceable(prefix: Path) -> None:
    """Refuse to replace *prefix* unless envsync created it or it is empty.

    Raises:
        EnvsyncError: *prefix* is a file, a non-empty folder, or a foreign link.
    """
    if prefix.is_symlink():
        if prefix.readlink().parent.name == generations_path(prefix).name:
            return
        found = "a link to somewhere else"
    elif not prefix.exists() or (prefix.is_dir() and not any(prefix.iterdir())):
        return
    elif (prefix / "conda-meta").is_dir():
        found = "a conda environment that envsync did not create"
    else:
        found = "a folder with files in it" if prefix.is_dir() else "a file"
    raise EnvsyncError(
        f"`{prefix}` is {found}",
        hint=advise("choose another path with ", Option("prefix", "PREFIX"), ", or move it away"),
    )
