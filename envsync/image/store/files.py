"""The files of a layer, and its tar archive."""

from __future__ import annotations

import hashlib
import os
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from envsync.errors import EnvsyncError
from envsync.image.store.tar import END, FIXED_TIME, Member, dump_header, padding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

_CHUNK = 1 << 20


class Sink(Protocol):
    """Takes bytes."""

    def write(self, content: bytes, /) -> int:
        """Take *content*."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFile:
    """A file or symlink of an image at the absolute *path*; directories follow from the paths.

    A file's bytes are *content* or, if that is None, those of the file *source*, which must match
    *sha256* if given. A symlink has only a *target*.
    """

    path: str
    content: bytes | None = None
    source: Path | None = None
    sha256: str | None = None
    target: str | None = None
    is_executable: bool = False
    mtime: int = FIXED_TIME


def write_tar(files: Iterable[ImageFile], sink: Sink) -> tuple[str, ...]:
    """Write *files* to *sink* as a tar archive; return their paths, sorted.

    Owner, group, modes, order and parent directories do not depend on the machine, user or umask.

    Raises:
        EnvsyncError: a file can't be read, does not match its sha256, or has a path outside the
            root.
    """
    ordered = sorted(files, key=lambda file: file.path)
    known: set[str] = set()
    for file in ordered:
        for directory in _list_missing(file.path, known):
            sink.write(dump_header(Member(path=directory, kind="directory", mode=0o755)))
        _write_file(file, sink)
    sink.write(END)
    return tuple(file.path for file in ordered)


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


def _list_missing(path: str, known: set[str]) -> Iterable[str]:
    """Return the parents of *path* that aren't *known* yet, the outermost first."""
    is_special = "/.wh." in path or (".." in path and ".." in path.split("/"))
    if not path.startswith("/") or is_special:  # engines take `.wh.x` for the removal of `x`
        raise EnvsyncError(f"`{path}` can't be the path of a file in an image")
    missing = []
    parent = path.rpartition("/")[0]
    while parent and parent not in known:
        known.add(parent)
        missing.append(parent.lstrip("/"))
        parent = parent.rpartition("/")[0]
    return reversed(missing)


def _write_file(file: ImageFile, sink: Sink) -> None:
    path = file.path.lstrip("/")
    mode = 0o755 if file.is_executable else 0o644
    if file.target is not None:
        link = Member(path=path, kind="symlink", mode=0o777, target=file.target)
        sink.write(dump_header(link))
    elif file.content is not None:
        size = len(file.content)
        member = Member(path=path, kind="file", size=size, mode=mode, mtime=file.mtime)
        sink.write(dump_header(member) + file.content + padding(size))
    elif file.source is not None:
        _copy(file.source, file, mode, sink)


def _copy(source: Path, file: ImageFile, mode: int, sink: Sink) -> None:
    """Write *source*, which may be large, and check its hash on the way."""
    with _open(source) as stream:
        size = os.fstat(stream.fileno()).st_size
        path = file.path.lstrip("/")
        member = Member(path=path, kind="file", size=size, mode=mode, mtime=file.mtime)
        digest, written = hashlib.sha256(), 0
        before, chunk = dump_header(member), _read(stream, source)
        while chunk:
            digest.update(chunk)
            written += len(chunk)
            # In one call if it is small, as most files are: calls are slow.
            sink.write(b"".join((before, chunk, padding(size) if written == size else b"")))
            before, chunk = b"", _read(stream, source) if written < size else b""
        if not written:
            sink.write(before)
    if written != size or file.sha256 not in (None, digest.hexdigest()):
        raise EnvsyncError(
            f"`{file.path}` does not match its package's hash: its bytes were changed"
        )


def _open(source: Path) -> IO[bytes]:
    try:
        return open(source, "rb", buffering=0)  # noqa: PTH123  # twice as fast
    except OSError as error:
        raise _cannot_read(source, error) from error


def _read(stream: IO[bytes], source: Path) -> bytes:
    try:
        return stream.read(_CHUNK)
    except OSError as error:
        raise _cannot_read(source, error) from error


def _cannot_read(path: Path, error: OSError) -> EnvsyncError:
    return EnvsyncError(f"Cannot read `{path}`: {error.strerror}")
