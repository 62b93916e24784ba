"""What the layers of a base image hold, whichever way they are packed."""

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
_LARGEST_FILE = 64 << 20  # bytes of a file that is read for what it says: a C library has 2 MB
_ALWAYS = 1 << 30  # bytes of a plain tar
_MOST_TIMES = 100
_KEPT_FREE = 1 << 30
_BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error)


def store_plain(stream: IO[bytes], store: BlobStore, diff_id: Digest | None = None) -> None:
    """Write the tar in *stream*, compressed or not, to *store*; its sha256 is to be *diff_id*.

    A tar says nowhere how large it becomes. One of up to 1 GiB is always unpacked; beyond that
    it may not be more than a hundred times what was read of *stream*, and leaves 1 GiB of disk.

    Raises:
        EnvsyncError: it is not, or it can't be unpacked, or grows too large.
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
    """Write the layer in *stream* to *store* as it is; its sha256 is to be *digest*.

    Raises:
        EnvsyncError: it is not, or would fill the disk.
    """
    size = 0
    with store.write(expected=digest) as writer:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > _ALWAYS:
                _check_size(size, size, store.path(writer.digest).parent)
            writer.write(chunk)


def _check_size(size: int, packed: int, folder: Path) -> None:
    """Refuse a layer that has *size* bytes so far, out of *packed* ones, and can't be meant so."""
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
            hint="get the base image anew: this layer was cut short or changed",
        ) from error


def _open_plain(head: bytes, whole: Any) -> Any:
    """Return the stream *whole*, which begins with *head*, unpacked as engines do.

    They go by its first bytes, and take what begins like nothing that they know for a plain tar.
    """
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=whole)
    if head.startswith(b"\x28\xb5\x2f\xfd") or head[1:4] == b"\x2a\x4d\x18":
        return _Zstd(whole)  # the second is a frame of it that is to be passed over
    if head.startswith(b"BZh"):
        return bz2.BZ2File(whole)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(whole)
    return whole


class _Zstd:
    """The stream *whole*, unpacked from zstd."""

    def __init__(self, whole: Any) -> None:
        import zstandard  # noqa: PLC0415  # it takes longer than all else here, and few need it

        self._plain = zstandard.ZstdDecompressor().stream_reader(whole, read_across_frames=True)
        self._broken = zstandard.ZstdError

    def read(self, size: int) -> bytes:
        """Read on."""
        try:
            return self._plain.read(size)
        except self._broken as error:
            raise EOFError(str(error)) from error


class _Chained:
    """A stream with its head, which was read already, put back."""

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
    """Return the content of the first of *paths* in *image*, its layers *fetch*ed one by one.

    The lowest layer that has any of them counts: a base image has its C library at the bottom.
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
