"""Untrusted tar archives: read with limits, and never unpacked."""

from __future__ import annotations

import contextlib
import struct
import tarfile
import zlib
from lzma import LZMAError
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_HEADER = 1 << 20  # bytes of a long name or of pax records, which are read at once
_LONGEST_NAME = 4096
_DEEPEST = 500  # folders in folders
_LONG = frozenset(
    {
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    }
)
# What the standard library raises for archives that it can't read.
_BROKEN = (
    tarfile.TarError,
    EOFError,
    IndexError,
    LZMAError,
    OverflowError,
    RecursionError,
    UnicodeError,
    ValueError,
    struct.error,
    zlib.error,
)


class ArchiveError(EnvsyncError):
    """An archive can't be read."""


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or (member.type in _LONG and member.size > _LARGEST_HEADER):
            raise ArchiveError("The archive has a header that is too long")
        return member


def check_member(member: tarfile.TarInfo, archive: Path) -> None:
    """Refuse *member* of the plain *archive* if it claims more than the archive can contain.

    Raises:
        ArchiveError: its name is too long, or it is sparse or too large.
    """
    if len(member.name) > _LONGEST_NAME or member.name.count("/") > _DEEPEST:
        raise ArchiveError("The archive has a member with too long a name")
    if member.issparse() or member.size > archive.stat().st_size:
        raise ArchiveError("The archive has a member that is larger than the archive")


@contextlib.contextmanager
def open_archive(path: Path, *, is_plain: bool = False) -> Iterator[tarfile.TarFile]:
    """Open the archive at *path*, which may be compressed unless it *is_plain*.

    Raises:
        ArchiveError: it is damaged, which may show only when it is read.
        OSError: it does not exist.
    """
    try:
        with tarfile.open(path, "r:" if is_plain else "r", tarinfo=_Member) as archive:
            yield archive
    except _BROKEN as error:
        raise ArchiveError(f"The archive `{path.name}` is damaged: {error}") from error
