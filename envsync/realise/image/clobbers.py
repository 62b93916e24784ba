"""Files that more than one package has, of which the image can show only one."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from envsync.realise.image.files import ImageFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from envsync.realise.image.recipe import Recipe


def find_clobbers(claims: Mapping[Recipe, Collection[str]]) -> dict[str, list[Recipe]]:
    """Return the paths that several packages of *claims* have, with those packages in order."""
    if sum(map(len, claims.values())) == len(set().union(*claims.values())):
        return {}  # as nearly always
    owners: dict[str, list[Recipe]] = {}
    for recipe, paths in claims.items():
        for path in paths:
            owners.setdefault(path, []).append(recipe)
    return {path: found for path, found in sorted(owners.items()) if len(found) > 1}


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
        is_executable=bool(member.mode & 0o100),
        mtime=int(member.mtime),
    )
