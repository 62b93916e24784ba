"""Writing tar archives whose bytes do not depend on Python's version, unlike `tarfile`'s.

The format is POSIX's ustar, with a pax header before members that do not fit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BLOCK = 512
END = bytes(2 * BLOCK)

# 1980-01-01T00:00:00Z, the oldest time in zip files: Python's `zipfile` refuses older files.
FIXED_TIME = 315532800

_NAME, _PREFIX, _LINK = 100, 155, 100
_LARGEST = 0o77777777777
_KINDS = {"file": b"0", "symlink": b"2", "directory": b"5"}
_PAX = b"x"

Kind = Literal["file", "symlink", "directory"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One member of an archive; *path* has no slash at its ends.

    *target* is what a symlink points to.
    """

    path: str
    kind: Kind
    size: int = 0
    mode: int = 0o644
    mtime: int = FIXED_TIME
    target: str = ""


def dump_header(member: Member) -> bytes:
    """Return the blocks before the content of *member*, which is owned by root."""
    path = member.path.encode(errors="surrogateescape")
    path += b"/" if member.kind == "directory" else b""
    target = member.target.encode(errors="surrogateescape")
    prefix, name = _split(path)
    records = b""
    if not path.isascii() or not name:
        records += _dump_record("path", path)
        prefix, name = b"", name or path[:_NAME]
    if len(target) > _LINK or not target.isascii():
        records += _dump_record("linkpath", target)
    if member.size > _LARGEST:
        records += _dump_record("size", str(member.size).encode())
    header = _dump_block(member, _KINDS[member.kind], prefix=prefix, name=name, target=target)
    if not records:
        return header
    extension = Member(path="PaxHeader", kind="file", size=len(records))
    pax = _dump_block(extension, _PAX, prefix=b"", name=b"PaxHeader", target=b"")
    return pax + records + padding(len(records)) + header


def padding(size: int) -> bytes:
    """Return the padding after a content of *size* bytes."""
    return bytes(-size % BLOCK)


def _split(path: bytes) -> tuple[bytes, bytes]:
    """Split *path* for ustar's two fields; the second is empty if it does not fit."""
    if len(path) <= _NAME:
        return b"", path
    cut = path.find(b"/", max(0, len(path) - _NAME - 1))
    if 0 < cut <= _PREFIX and cut + 1 < len(path):
        return path[:cut], path[cut + 1 :]
    return b"", b""


def _dump_record(key: str, value: bytes) -> bytes:
    """Return a pax record, which starts with its own length in decimal digits."""
    body = b" " + key.encode() + b"=" + value + b"\n"
    length = len(body) + len(str(len(body)))
    length = len(body) + len(str(length))
    return str(length).encode() + body


def _dump_block(member: Member, kind: bytes, *, prefix: bytes, name: bytes, target: bytes) -> bytes:
    fields = (
        name.ljust(_NAME, b"\0"),
        b"%07o\0" % member.mode,
        b"0000000\0" * 2,  # owner and group: root
        b"%011o\0" % min(member.size, _LARGEST),
        b"%011o\0" % member.mtime,
        b" " * 8,  # stands for the checksum while that is taken
        kind,
        target[:_LINK].ljust(_LINK, b"\0"),
        b"ustar\x0000",
        bytes(64),  # no names of owners
        b"0000000\0" * 2,  # no device
        prefix.ljust(_PREFIX, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
