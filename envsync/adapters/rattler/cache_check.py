"""Whether the unpacked packages in the cache are still what was unpacked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

_SLACK = 2.0  # seconds, for the files that are written while a package is unpacked


def find_touched(cache: Path, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return those of *packages* whose unpacked files were written to since.

    Environments share these files by hard links, so an edit in one reaches all that come after.
    It is told by times alone: unpacking keeps the archive's, and its own shows on the folder.
    """
    return tuple(package for package in packages if _is_touched(cache, package))


def _is_touched(cache: Path, package: LockedPackage) -> bool:
    folder = cache / f"{package.name}-{package.version}-{package.build}"
    try:
        unpacked = (folder / "info").stat().st_mtime
    except OSError:
        return False  # not unpacked yet, or not here: rattler will see to it
    return any(time > unpacked + _SLACK for time in _list_times(str(folder)))


def _list_times(folder: str) -> Iterator[float]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _list_times(entry.path)
            else:
                yield entry.stat(follow_symlinks=False).st_mtime
