"""The story of `envsync export` for a lock: in the formats that other installers read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from envsync.definition import load
from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import write_atomically
from envsync.lock.formats.explicit import dump_explicit
from envsync.lock.formats.pixi import dump_pixi
from envsync.lock.formats.pylock import move_relative
from envsync.lock.reader import load_lockfile
from envsync.model.subdir import current_subdir
from envsync.model.text.wording import shell_quote
from envsync.workflow.lock.export_pylock import export_pylock
from envsync.workflow.lock.files import find_lock
from envsync.workflow.lock.pip.places import PipPlaces, load_pip_index

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec

LockFormat: TypeAlias = Literal["explicit", "pixi", "pylock"]

LOCK_FORMATS: tuple[LockFormat, ...] = ("explicit", "pixi", "pylock")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockText:
    """A lock in another format; the warnings say what it lacks."""

    text: str
    warnings: tuple[Finding, ...] = ()


def dump_lock(
    source: Path,
    target_format: LockFormat,
    *,
    subdir: str | None,
    output: Path | None = None,
    offline: bool = False,
) -> LockText:
    """Return the packages that the lock *source* (or in the folder *source*) has for *subdir*.

    An explicit spec holds the conda packages, for this machine, or the first subdir that is
    locked, unless one is named. A pylock holds those of pip, a pixi lock all, for all subdirs
    unless one is named. For a pylock the indexes are asked what other files they have of the
    same packages; with *offline* it is what uv has seen of them. What lies beside the lock is
    named as a file at *output* has to.

    Raises:
        DefinitionError: the lock is wrong, or has nothing for the subdir.
        EnvsyncError: there is no lock.
    """
    path = find_lock(source)
    lockfile = load_lockfile(path)
    here = current_subdir()
    usual = here if here in lockfile.subdirs else next(iter(lockfile.subdirs), None)
    chosen = subdir or usual or ""
    if chosen not in lockfile.subdirs:
        known = ", ".join(f"`{each}`" for each in lockfile.subdirs)
        command = f"envsync lock {shell_quote(source)} --subdir {chosen}"
        raise DefinitionError(
            f"`{path}` has no packages for `{chosen}`",
            hint=f"it has {known}; run `{command}` for more",
        )
    packages = lockfile.packages_for(chosen)
    if target_format == "pixi":
        one = replace(lockfile, subdirs=(chosen,), packages=packages)
        return LockText(text=dump_pixi(one if subdir else lockfile))
    if target_format == "explicit":
        return LockText(text=dump_explicit(packages, chosen))
    folder = output.parent if output is not None else path.parent
    moved = tuple(move_relative(it, path.parent, folder) for it in lockfile.packages)
    text, warnings = export_pylock(
        replace(lockfile, packages=moved),
        (chosen,) if subdir else lockfile.subdirs,
        load_pip_index(
            PipPlaces(directory=path.parent, spec=_find_definition(source)), offline=offline
        ),
        file=str(path),
    )
    return LockText(text=text, warnings=warnings)


def _find_definition(source: Path) -> EnvironmentSpec | None:
    """Return the definition in *source*, whose indexes may need credentials, if there is one."""
    try:
        return load(source).spec if find_lock(source) != source else None
    except EnvsyncError:
        return None


def write_lock(path: Path, text: str, *, overwrite: bool) -> None:
    """Write *text* to *path*, whole or not at all.

    Raises:
        DefinitionError: a file is there, and *overwrite* is false.
        EnvsyncError: it can't be written.
    """
    if path.exists() and not overwrite:
        raise DefinitionError(f"`{path}` is already there", hint="add `--overwrite`")
    write_atomically(path, text.encode())
