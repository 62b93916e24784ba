"""Files that more than one package has, of which the image can show only one."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from envsync.image.store.files import ImageFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from envsync.image.packages.recipe import Recipe


def find_clobbers(claims: Mapping[Recipe, Collection[str]]) -> dict[str, list[Recipe]]:
    """Return the paths that several packages of *claims* have, with those packages in order."""
    if sum(map(len, claims.values())) == len(set().union(*claims.values())):
        return {}  # as nearly always
    owners: dict[str, list[Recipe]] = {}
    for recipe, paths in claims.items():
        for path in paths:
            owners.setdefault(path, []).append(recipe)
    return {path: found for path, found in sorted(owners.items()) if len(found) > 1}


def find_overshadowed(claims: Mapping[Recipe, Collection[str]]) -> dict[str, Recipe]:
    """Return the files below paths where another package of *claims* has a file or a link.

    The folder wins, and so its files have to lie above what would hide them.
    """
    shadows = _list_shadows(claims)
    if not shadows:
        return {}  # as nearly always
    return {
        path: recipe
        for recipe, paths in claims.items()
        for path in paths
        if path.startswith(shadows)
    }


def find_crossing(claims: Mapping[Recipe, Collection[str]]) -> tuple[Recipe, ...]:
    """Return the packages that have files where others have folders, and those others."""
    shadows = _list_shadows(claims)
    if not shadows:
        return ()
    return tuple(
        recipe
        for recipe, paths in claims.items()
        if any(f"{path}/".startswith(shadows) for path in paths)
    )


def _list_shadows(claims: Mapping[Recipe, Collection[str]]) -> tuple[str, ...]:
    """Return the paths, with a slash, that are files of one package and folders of another."""
    folders: set[str] = set()
    for paths in claims.values():
        for folder in {path.rpartition("/")[0] for path in paths}:
            _add_with_parents(folder, folders)
    return tuple(f"{path}/" for paths in claims.values() for path in folders.intersection(paths))


def _add_with_parents(folder: str, folders: set[str]) -> None:
    while folder and folder not in folders:
        folders.add(folder)
        folder = folder.rpartition("/")[0]


def pick_files(archive: Path, paths: Collection[str]) -> list[ImageFile]:
    """Return the files at *paths* of a layer's *archive*."""
    with tarfile.open(archive, "r:") as opened:
        return [_pick(opened, path) for path in paths]


def _pick(archive: tarfile.TarFile, path: str) -> ImageFile:
    member = archive.getmember(path.lstrip("/"))
    stream = archive.extractfile(member) if member.isfile() else None
    return ImageFile(
        path=path,
        content=stream.read() if stream is not None else None,
        target=member.linkname if member.issym() else None,
        is_executable=member.isfile() and bool(member.mode & 0o100),
        mtime=int(member.mtime),
    )
