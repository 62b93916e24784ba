"""What lies in an image, held against what its lock comes to, file by file."""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_CHUNK = 1 << 20
_GONE, _ALL_GONE = ".wh.", ".wh..wh..opq"  # how a layer says that what lies below is hidden
_COMPILED = "/__pycache__/"

Problem = Literal["missing", "changed", "added"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A file that is not in an image as the lock has it; *package* is what it belongs to."""

    path: str
    problem: Problem
    package: str


@dataclass(frozen=True, slots=True)
class _File:
    """The sha256 or the target of a file, whether it may be run, and what brought it."""

    content: str
    is_executable: bool
    layer: str


def compare_trees(
    expected: Iterable[tuple[str, Path]], found: Iterable[tuple[str, Path]], *, prefix: str
) -> tuple[Difference, ...]:
    """Return how *found* differs from *expected* below *prefix*; both are layers with their names.

    Modules that were compiled since do not count as added.
    """
    wanted, there = _read_tree(expected, prefix), _read_tree(found, prefix)
    return tuple(_list_differences(wanted, there))


def _list_differences(
    wanted: Mapping[str, _File], there: Mapping[str, _File]
) -> Iterable[Difference]:
    for path, file in sorted(wanted.items()):
        other = there.get(path)
        if other is None:
            yield Difference(path=path, problem="missing", package=file.layer)
        elif (other.content, other.is_executable) != (file.content, file.is_executable):
            yield Difference(path=path, problem="changed", package=file.layer)
    for path, file in sorted(there.items()):
        if path not in wanted and _COMPILED not in path:
            yield Difference(path=path, problem="added", package=file.layer)


def _read_tree(layers: Iterable[tuple[str, Path]], prefix: str) -> dict[str, _File]:
    """Return the files below *prefix* as a container sees them."""
    below = f"{prefix.strip('/')}/"
    tree: dict[str, _File] = {}
    for name, path in layers:
        with tarfile.open(path, "r:") as archive:
            own: dict[str, _File] = {}
            for member in archive:
                place = _place(member.name)
                folder, _, last = place.rpartition("/")
                if last.startswith(_GONE):
                    hidden = folder if last == _ALL_GONE else f"{folder}/{last[len(_GONE) :]}"
                    _hide(tree, hidden)
                elif place.startswith(below) and not member.isdir():
                    own[f"/{place}"] = _read(archive, member, name, own)
            tree.update(own)
    return tree


def _place(name: str) -> str:
    """Return where *name* lies, from the root on, as an engine unpacks it."""
    return posixpath.normpath(f"/{name}").strip("/")


def _hide(tree: dict[str, _File], place: str) -> None:
    for path in [it for it in tree if f"{it}/".startswith(f"/{place}/")]:
        del tree[path]


def _read(
    archive: tarfile.TarFile, member: tarfile.TarInfo, layer: str, own: Mapping[str, _File]
) -> _File:
    if member.issym():
        return _File(f"-> {member.linkname}", is_executable=False, layer=layer)
    if member.islnk():
        linked = own.get(f"/{_place(member.linkname)}")
        return linked or _File(f"= {member.linkname}", is_executable=False, layer=layer)
    digest = hashlib.sha256()
    stream = archive.extractfile(member)
    while stream is not None and (chunk := stream.read(_CHUNK)):
        digest.update(chunk)
    return _File(digest.hexdigest(), is_executable=bool(member.mode & 0o100), layer=layer)
