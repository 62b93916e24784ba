from __future__ import annotations

import struct
from pathlib import Path

import pytest

from envsync.image.packages.elf import find_loader

_LOADER = b"/lib64/ld-linux-x86-64.so.2\0"


def _program(*, kind: int = 3, wide: int = 2, little: int = 1) -> bytes:
    """Return a program with one segment, which is the path of its loader if *kind* is 3."""
    ident = b"\x7fELF" + bytes((wide, little, 1)) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", kind, 4, 120, 0, 0, len(_LOADER), len(_LOADER), 1)
    return header + segment + _LOADER


def test_the_loader_of_a_program_is_told() -> None:
    assert find_loader(_program()) == "/lib64/ld-linux-x86-64.so.2"


def test_the_loader_of_this_machines_programs_is_there() -> None:
    loader = find_loader(Path("/bin/sh").resolve().read_bytes())

    assert loader is not None
    assert Path(loader).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\n",
        b"\x7fELF",
        _program(kind=1),  # static
        _program(wide=1),  # 32 bits
        _program(little=2),
        _program()[:30],
        _program()[:100],
    ],
)
def test_what_asks_for_none_or_is_no_program_has_no_loader(content: bytes) -> None:
    assert find_loader(content) is None
