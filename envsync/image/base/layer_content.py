"""Reading and storing the layers of a base image, however they are compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import zlib
from typing import IO, TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.image.formats.archive import open_archive

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from envsync.image.store.blobs import BlobStore
    from envsync.model.digest import Digest
    from envsync.model.image import BaseImage, Layer

_CHUNK = 1 << 20
_HEAD = 6
_LARGEST_FILE = 64 << 20  # bytes of a file to read: a C library has 2 MB
_ALWAYS = 1 << 30  # bytes of a plain tar
_MOST_TIMES = 100
_KEPT_FREE = 1 << 30
_BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error)


def store_plain(stream: IO[bytes], store: BlobStore, diff_id: Digest | None = None) -> None:
    """Write the tar in *stream*, compressed or not, to *store*; its sha256 must be *diff_id*.

    A compressed tar doesn't tell its size. One of up to 1 GiB is always unpacked. A larger one may
    have up to a hundred times its compressed size, and must leave 1 GiB of disk free.

    Raises:
        EnvsyncError: it has another sha256, can't be unpacked, or becomes too large.
    """
    head = stream.read(_HEAD)
    whole = _Chained(head, stream)
    plain = _open_plain(head, whole)
    size = 0
    with store.write(expected=diff_id) as writer:
        while chunk := _read(plain):
            size += len(chunk)
            if size > _ALWAYS:
                _check_size(size, whole.count, store.path(writer.digest).parent)
            writer.write(chunk)


def store_packed(stream: IO[bytes], store: BlobStore, digest: Digest) -> None:
    """Write the layer in *stream* to *store* as it is; its sha256 must be *digest*.

    Raises:
        EnvsyncError: it has another sha256, or would fill the disk.
    """
    size = 0
    with store.write(expected=digest) as writer:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > _ALWAYS:
                _check_size(size, size, store.path(writer.digest).parent)
            writer.write(chunk)


def _check_size(size: int, packed: int, folder: Path) -> None:
    """Refuse a layer with *size* bytes so far, from *packed* ones, that no real layer has."""
    if size > _MOST_TIMES * packed:
        raise EnvsyncError(
            f"A layer of the base image becomes more than {_MOST_TIMES} times as large unpacked",
            hint="no layer of real files does: choose another base image",
        )
    if shutil.disk_usage(folder).free < _KEPT_FREE:
        raise EnvsyncError(
            "A layer of the base image would fill the disk: it has more than "
            f"{size >> 30} GiB unpacked",
            hint="free some space where `ENVSYNC_HOME` is, or choose another base image",
        )


def _read(plain: Any) -> bytes:
    try:
        return bytes(plain.read(_CHUNK))
    except _BROKEN as error:
        raise EnvsyncError(
            "A layer of the base image is damaged: it can't be unpacked",
            hint="download the base image again: this layer was cut short or changed",
        ) from error


def _open_plain(head: bytes, whole: Any) -> Any:
    """Return the stream *whole*, which begins with *head*, decompressed.

    As in engines, the first bytes decide, and unknown ones stand for a plain tar.
    """
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=whole)
    if head.startswith(b"\x28\xb5\x2f\xfd") or head[1:4] == b"\x2a\x4d\x18":
        return _Zstd(whole)  # the second is a skippable frame
    if head.startswith(b"BZh"):
        return bz2.BZ2File(whole)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(whole)
    return whole


class _Zstd:
    def __init__(self, whole: Any) -> None:
        import zstandard  # noqa: PLC0415  # slow to load, and rarely needed

        self._plain = zstandard.ZstdDecompressor().stream_reader(whole, read_across_frames=True)
        self._broken = zstandard.ZstdError

    def read(self, size: int) -> bytes:
        """Read on."""
        try:
            return self._plain.read(size)
        except self._broken as error:
            raise EOFError(str(error)) from error


class _Chained:
    """The stream *rest* with its *head* put back, which counts the bytes read."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest
        self.count = len(head)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        if not self._head:
            part = self._rest.read(size)
            self.count += len(part)
            return part
        end = size if size >= 0 else len(self._head)
        head, self._head = self._head[:end], self._head[end:]
        return head


def read_from_layers(
    image: BaseImage,
    paths: Sequence[str],
    store: BlobStore,
    *,
    fetch: Callable[[Sequence[Layer], BlobStore], None],
) -> bytes | None:
    """Return the content of the first of *paths* in *image*; *fetch* gets one layer at a time.

    The lowest layer with any of them counts, as a base image has its C library at the bottom.
    """
    wanted = [path.lstrip("/") for path in paths]
    for layer in image.layers:
        fetch([layer], store)
        with open_archive(store.path(layer.diff_id), is_plain=True) as archive:
            members = {
                member.name.removeprefix("./").strip("/"): member
                for member in archive
                if not member.issparse()
            }
            for path in wanted:
                stream = _open(archive, members, path)
                if stream is not None:
                    return stream.read(_LARGEST_FILE)
    return None


def _open(
    archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], path: str
) -> IO[bytes] | None:
    member = members.get(path)
    if member is not None and member.issym():
        folder = path.rpartition("/")[0]
        target = member.linkname
        member = members.get(target.lstrip("/") if target.startswith("/") else f"{folder}/{target}")
    return archive.extractfile(member) if member is not None and member.isfile() else None
