"""The files of an image as a container sees them, read from its layers."""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.image.formats.archive import ArchiveError, check_member, open_archive
from envsync.model.inner_path import parse_inner_path
from envsync.package.comparison import FoundFile, describe_link

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_CHUNK = 1 << 20
_GONE, _ALL_GONE = ".wh.", ".wh..wh..opq"  # a layer's marks for hidden files
_META = re.compile(r"conda-meta/[^/]+\.json|lib/[^/]+/site-packages/[^/]+\.dist-info/[A-Z]+")
_LARGEST_META = 32 << 20
_MOST_META = 512 << 20
_HISTORY = "/conda-meta/history"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageMember:
    """A file with its permissions, or a link, and the name of its layer.

    A link has the *mode* 0. Only records of packages keep their *content*.
    """

    found: FoundFile
    mode: int
    layer: str
    content: bytes | None = None


def read_tree(layers: Iterable[tuple[str, Path]], prefix: str) -> dict[str, ImageMember]:
    """Return the files in *prefix* by relative path; *layers* are names and plain tars."""
    tree: dict[str, ImageMember] = {}
    folders: set[str] = set()
    below = f"{prefix.strip('/')}/"
    for name, path in layers:
        with open_archive(path, is_plain=True) as archive:
            _add_layer(_Reader(archive, path, name, below), tree, folders)
    return tree


def find_prefixes(layers: Iterable[Path]) -> tuple[str, ...]:
    """Return the conda environments in *layers*, which are plain tars, sorted."""
    found = set()
    for path in layers:
        with open_archive(path, is_plain=True) as archive:
            for member in archive:
                check_member(member, path)
                if (place := _place(member.name)).endswith(_HISTORY):
                    found.add(f"/{place.removesuffix(_HISTORY)}")
    return tuple(sorted(found))


def write_metadata(tree: Mapping[str, ImageMember], target: Path) -> None:
    """Write the records of the packages in *tree* to the folder *target*."""
    (target / "conda-meta").mkdir(parents=True)
    written = 0
    for path, member in tree.items():
        if member.content is not None:
            written += len(member.content)
            if written > _MOST_META:
                raise ArchiveError("The image has more records of packages than any environment")
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(member.content)


def _add_layer(reader: _Reader, tree: dict[str, ImageMember], folders: set[str]) -> None:
    """Apply a layer to *tree*, which has the folders *folders*."""
    own, hidden, emptied = reader.read(tree)
    parents = {parent for path in own for parent in _list_parents(path)}
    hidden |= own.keys() & folders  # a file or a link in the place of a folder
    hidden |= tree.keys() & parents  # a folder in the place of a file
    if hidden or emptied:
        for path in [it for it in tree if _is_hidden(it, hidden, emptied)]:
            del tree[path]
    tree.update(own)
    folders |= parents


def _is_hidden(path: str, hidden: set[str], emptied: set[str]) -> bool:
    parents = set(_list_parents(path))
    return path in hidden or bool(parents & hidden) or bool(parents & emptied)


def _list_parents(path: str) -> Iterator[str]:
    """Yield the folders that *path* is in, "" for the prefix itself."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _place(name: str) -> str:
    """Return the path of the member *name*, relative to the root, as an engine unpacks it."""
    return posixpath.normpath(f"/{name}").strip("/")


def _is_metadata(path: str) -> bool:
    """Return whether *path* is that of a package's record."""
    try:
        return _META.fullmatch(parse_inner_path(path)) is not None
    except ValueError:
        return False


class _Reader:
    """Reads the files of the layer *name* in the folder *below*."""

    def __init__(self, archive: tarfile.TarFile, path: Path, name: str, below: str) -> None:
        self._archive = archive
        self._path = path
        self._name = name
        self._below = below

    def read(
        self, tree: Mapping[str, ImageMember]
    ) -> tuple[dict[str, ImageMember], set[str], set[str]]:
        """Return the layer's files, the paths that it hides, and the folders that it empties."""
        own: dict[str, ImageMember] = {}
        hidden: set[str] = set()
        emptied: set[str] = set()
        for member in self._archive:
            check_member(member, self._path)
            place = _place(member.name)
            folder, _, last = place.rpartition("/")
            if last == _ALL_GONE:
                emptied |= self._list_hidden(folder)
            elif last.startswith(_GONE):
                hidden |= self._list_hidden(f"{folder}/{last[len(_GONE) :]}".lstrip("/"))
            elif place.startswith(self._below):
                path = place[len(self._below) :]
                if not member.isdir():
                    own[path] = self._read(member, path, own, tree)
                else:  # perhaps in the place of a file or a link
                    hidden |= tree.keys() & {path, *_list_parents(path)}
            elif not member.isdir() and self._below.startswith(f"{place}/"):
                hidden.add("")
        return own, hidden, emptied

    def _list_hidden(self, place: str) -> set[str]:
        """Return *place* relative to the prefix, "" if it contains the prefix."""
        if f"{place}/".startswith(self._below):
            return {place[len(self._below) :]}
        return {""} if self._below.startswith(f"{place}/") or not place else set()

    def _read(
        self,
        member: tarfile.TarInfo,
        path: str,
        own: Mapping[str, ImageMember],
        tree: Mapping[str, ImageMember],
    ) -> ImageMember:
        if member.issym():
            link = describe_link(member.linkname)
            return ImageMember(found=link, mode=0, layer=self._name)
        if member.islnk():
            return self._read_link(member, own, tree)
        keeps = _is_metadata(path) and member.size <= _LARGEST_META
        digest, content = hashlib.sha256(), b""
        stream = self._archive.extractfile(member)
        while stream is not None and (chunk := stream.read(_CHUNK)):
            digest.update(chunk)
            content += chunk if keeps else b""
        return ImageMember(
            found=FoundFile(digest.hexdigest()),
            mode=member.mode & 0o7777,
            layer=self._name,
            content=content if keeps else None,
        )

    def _read_link(
        self,
        member: tarfile.TarInfo,
        own: Mapping[str, ImageMember],
        tree: Mapping[str, ImageMember],
    ) -> ImageMember:
        """Return the earlier file that the hard link *member* is another name of."""
        target = _place(member.linkname)
        if target.startswith(self._below):
            path = target[len(self._below) :]
            other = own.get(path) or tree.get(path)
            if other is not None:
                return other
        unknown = FoundFile(f"= {target}")  # of what lies outside of the prefix
        return ImageMember(found=unknown, mode=0, layer=self._name)
