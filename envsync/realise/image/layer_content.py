"""What the layers of a base image hold, whichever way they are packed."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envsync.model.image import BaseImage, Layer
    from envsync.realise.image.blobs import BlobStore

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def store_plain(stream: IO[bytes], store: BlobStore, diff_id: str | None = None) -> None:
    """Write the tar in *stream*, compressed or not, to *store*; its sha256 is to be *diff_id*.

    Raises:
        EnvsyncError: it is not, or it is compressed in a way that can't be read here.
    """
    head = stream.read(len(_ZSTD_MAGIC))
    if head == _ZSTD_MAGIC:
        raise EnvsyncError(
            "A layer of the base image is compressed with zstd, which envsync does not unpack",
            hint="take the base image from an engine, or one whose layers are gzipped",
        )
    whole: Any = _Chained(head, stream)
    plain = gzip.GzipFile(fileobj=whole) if head.startswith(_GZIP_MAGIC) else whole
    try:
        with store.write(expected=diff_id) as writer:
            while chunk := plain.read(_CHUNK):
                writer.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise EnvsyncError("A layer of the base image is damaged: it can't be unpacked") from error


class _Chained:
    """A stream with its head, which was read already, put back."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        if not self._head:
            return self._rest.read(size)
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
        with tarfile.open(store.path(layer.diff_id), "r:") as archive:
            members = {member.name.removeprefix("./").strip("/"): member for member in archive}
            for path in wanted:
                stream = _open(archive, members, path)
                if stream is not None:
                    return stream.read()
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
