"""Lockfiles of any format that envsync reads, found out by name and content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, Finding
from envsync.lock.consistency import find_inconsistencies
from envsync.lock.entry_faults import REPAIR
from envsync.lock.formats.explicit import MARK, parse_explicit
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile, read_lock_text
from envsync.model.lockfile import Lockfile
from envsync.model.subdir import current_subdir

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIXI_NAME = "pixi.lock"

_YAML = {".yml", ".yaml"}
_HEAD = 4096  # bytes; the mark of an explicit spec stands in its first lines


def is_lock_file(path: Path) -> bool:
    """Tell whether *path* is a lockfile by its looks, whoever wrote it."""
    if not path.is_file():
        return False
    if path.name == PIXI_NAME or ("conda-lock" in path.name and path.suffix in _YAML):
        return True
    return path.suffix == ".txt" and MARK.encode() in _read_head(path)


def find_lock(source: Path) -> Path:
    """Return the lock that *source* means: itself, or the one of the definition that it is."""
    if source.is_dir():
        return source / LOCKFILE_NAME
    beside = source.parent / LOCKFILE_NAME
    if is_lock_file(source) or b"metadata:" in _read_head(source) or not source.is_file():
        return source
    return beside if beside.is_file() else source


def load_lock_file(path: Path) -> Lockfile:
    """Return the lock at *path*: a `conda-lock.yml`, a `pixi.lock` or an explicit spec.

    An explicit spec that names no platform is taken to be for this machine.

    Raises:
        DefinitionError: it is none of them, or wrong.
        EnvsyncError: it can't be read.
    """
    if path.name == PIXI_NAME:
        from envsync.adapters.rattler.pixi_lock import load_pixi_lock

        return load_pixi_lock(path)
    if path.suffix != ".txt":
        return load_lockfile(path)
    text = read_lock_text(path)
    packages = parse_explicit(text, file=str(path), subdir=current_subdir() or "unknown")
    return Lockfile(
        subdirs=tuple(sorted({package.subdir for package in packages})),
        channels=(),
        sources=(),
        content_hash=(),
        packages=packages,
    )


def check_sound(path: Path, inconsistencies: Sequence[str]) -> None:
    """Refuse the lock at *path* if it has *inconsistencies*: no environment could be right.

    Raises:
        DefinitionError: it has some; the error holds every one.
    """
    if inconsistencies:
        raise DefinitionError.from_findings(
            [Finding(file=str(path), message=text, hint=REPAIR) for text in inconsistencies]
        )


def load_sound_lock(path: Path) -> Lockfile:
    """Return the lock at *path*, of any format, that something is to be made from.

    Raises:
        DefinitionError: it is none, or wrong, or contradicts itself.
        EnvsyncError: it can't be read.
    """
    lockfile = load_lock_file(path)
    check_sound(path, find_inconsistencies(lockfile))
    return lockfile


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""
