"""The definitions below a folder: those of SDK v1, and those of any format that have a lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.definition import load
from envsync.errors import EnvsyncError
from envsync.files import open_regular
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile
from envsync.lock.requested import MATCH_SPECS_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFINITION = "azureml_environment.json"
_NEVER = frozenset({"node_modules", "__pycache__"})
_ENVIRONMENTS = frozenset({"conda-meta", "pyvenv.cfg"})  # what is in there is made, not written
_SUFFIXES = frozenset({".yml", ".yaml"})


def find_definitions(root: Path) -> tuple[Path, ...]:
    """Return what to check below *root*, sorted: folders, or files in folders that have several.

    A folder counts that holds an Azure ML SDK v1 definition, with a lock or without, or a lock
    that envsync made. Hidden folders and environments are passed by.
    """
    return tuple(sorted(_find(root)))


def _find(root: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(root):
        if not _ENVIRONMENTS.isdisjoint((*folders, *files)):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in _NEVER and name[0] != "."]
        folder = Path(place)
        if _DEFINITION in files:
            yield folder
        elif LOCKFILE_NAME in files and _is_ours(folder / LOCKFILE_NAME):
            yield _find_source(folder)


def _is_ours(lockfile: Path) -> bool:
    try:
        with open_regular(lockfile) as stream:
            return MATCH_SPECS_KEY.encode() in stream.read()
    except OSError:
        return True  # so that somebody is told


def _find_source(folder: Path) -> Path:
    """Return the definition that the lock in *folder* is of: *folder* itself where that tells.

    A definition may name the file that the lock names as its source: then it is the former.
    """
    try:
        sources = load_lockfile(folder / LOCKFILE_NAME).sources
    except EnvsyncError:
        return folder
    best, most = folder, 0
    for path in sorted(folder.iterdir()):
        if path.suffix not in _SUFFIXES or path.name == LOCKFILE_NAME:
            continue
        try:
            files = load(path).spec.files
        except EnvsyncError:
            continue
        if files and files[-1].name in sources and len(files) > most:
            best, most = path, len(files)
    return best
