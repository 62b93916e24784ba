"""Whether the unpacked packages in the cache are still what was unpacked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

_NAMED = 5
_SLACK = 2.0  # seconds, for the files that are written while a package is unpacked


def find_touched(cache: Path, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return those of *packages* whose unpacked files were written to since.

    Environments share these files by hard links, so an edit in one reaches all that come after.
    It is told by times alone: unpacking keeps the archive's, and its own shows on the folder.
    """
    return tuple(package for package in packages if _is_touched(cache, package))


def remove_incomplete(cache: Path, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Remove those of *packages* from *cache* that lost or got metadata since; return them.

    It is written last of a package, and no list tells what there is of it.
    """
    found = tuple(package for package in packages if _has_new_metadata(cache, package))
    for package in found:
        remove_tree(_find_folder(cache, package))
    return found


def check_cached(cache: Path, packages: Iterable[LockedPackage]) -> None:
    """Refuse *packages* of which some are not unpacked in *cache*, and lie elsewhere than here.

    Raises:
        EnvsyncError: it names what is missing.
    """
    missing = [
        f"`{package}`"
        for package in packages
        if not package.url.startswith("file://")
        and not (_find_folder(cache, package) / "info").is_dir()
    ]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        verb = "is" if len(missing) == 1 else "are"
        raise EnvsyncError(
            f"{', '.join(missing[:_NAMED])}{more} {verb} not in the cache `{cache}`",
            hint="run it once without `--offline`",
        )


def _is_touched(cache: Path, package: LockedPackage) -> bool:
    folder = _find_folder(cache, package)
    try:
        unpacked = (folder / "info").stat().st_mtime
    except OSError:
        return False  # not unpacked yet, or not here: rattler will see to it
    return any(time > unpacked + _SLACK for time in _list_times(str(folder)))


def _has_new_metadata(cache: Path, package: LockedPackage) -> bool:
    folder = _find_folder(cache, package)
    try:
        return (folder / "info").stat().st_mtime > folder.stat().st_mtime + _SLACK
    except OSError:
        return False


def _find_folder(cache: Path, package: LockedPackage) -> Path:
    return cache / f"{package.name}-{package.version}-{package.build}"


def _list_times(folder: str) -> Iterator[float]:
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False).st_mtime
