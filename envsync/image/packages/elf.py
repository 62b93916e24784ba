"""The loader of a program, read from its ELF headers."""

from __future__ import annotations

import struct

_MAGIC = b"\x7fELF"
_WIDE = 2  # 64 bits, as all machines here are
_INTERPRETER = 3
_HEADER = struct.Struct("<32xQ14xHH")  # where the program headers are, how large, how many
_SEGMENT = struct.Struct("<II Q 16x Q 16x")  # kind, flags, offset, addresses, size, the rest


def find_loader(program: bytes) -> str | None:
    """Return the path of the loader of *program*, None for scripts and static programs."""
    if program[:4] != _MAGIC or program[4:6] != bytes((_WIDE, 1)):
        return None
    try:
        start, size, count = _HEADER.unpack_from(program)
        for number in range(count):
            kind, _, offset, length = _SEGMENT.unpack_from(program, start + number * size)
            if kind == _INTERPRETER:
                return program[offset : offset + length].rstrip(b"\0").decode(errors="replace")
    except struct.error:
        return None  # it is truncated, and can't start
    return None
