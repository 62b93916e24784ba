"""The story of `envsync export` for a lock: in the formats that other installers read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from envsync.errors import DefinitionError
from envsync.files import write_atomically
from envsync.lock.explicit import dump_explicit
from envsync.lock.pixi import dump_pixi
from envsync.lock.pylock import dump_pylock
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile
from envsync.model.subdir import current_subdir

if TYPE_CHECKING:
    from pathlib import Path

LockFormat: TypeAlias = Literal["explicit", "pixi", "pylock"]

LOCK_FORMATS: tuple[LockFormat, ...] = ("explicit", "pixi", "pylock")


def dump_lock(source: Path, target_format: LockFormat, *, subdir: str | None) -> str:
    """Return the packages that the lock *source* (or in the folder *source*) has for *subdir*.

    Without *subdir* it is this machine's, or the first that is locked. An explicit spec holds
    the conda packages, a pylock those of pip. A pixi lock holds all, and all subdirs unless one
    is named.

    Raises:
        DefinitionError: the lock is wrong, or has nothing for the subdir.
        EnvsyncError: there is no lock.
    """
    path = source / LOCKFILE_NAME if source.is_dir() else source
    lockfile = load_lockfile(path)
    here = current_subdir()
    usual = here if here in lockfile.subdirs else next(iter(lockfile.subdirs), None)
    chosen = subdir or usual or ""
    if chosen not in lockfile.subdirs:
        known = ", ".join(f"`{each}`" for each in lockfile.subdirs)
        raise DefinitionError(
            f"`{path}` has no packages for `{chosen}`",
            hint=f"it has {known}; run `envsync lock {source} --subdir {chosen}` for more",
        )
    packages = lockfile.packages_for(chosen)
    if target_format == "pixi":
        one = replace(lockfile, subdirs=(chosen,), packages=packages)
        return dump_pixi(one if subdir else lockfile)
    if target_format == "explicit":
        return dump_explicit(packages, chosen)
    return dump_pylock(packages)


def write_lock(path: Path, text: str, *, overwrite: bool) -> None:
    """Write *text* to *path*, whole or not at all.

    Raises:
        DefinitionError: a file is there, and *overwrite* is false.
        EnvsyncError: it can't be written.
    """
    if path.exists() and not overwrite:
        raise DefinitionError(f"`{path}` is already there", hint="add `--overwrite`")
    write_atomically(path, text.encode())
