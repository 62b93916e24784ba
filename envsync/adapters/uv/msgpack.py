"""As much of MessagePack as uv writes package metadata in."""

from __future__ import annotations

import struct
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | bytes | list["Value"] | dict[str, "Value"] | None

_CONSTANTS: dict[int, bool | None] = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_LENGTHS = {
    0xC4: (">B", "bytes"),
    0xC5: (">H", "bytes"),
    0xC6: (">I", "bytes"),
    0xD9: (">B", "text"),
    0xDA: (">H", "text"),
    0xDB: (">I", "text"),
    0xDC: (">H", "list"),
    0xDD: (">I", "list"),
    0xDE: (">H", "map"),
    0xDF: (">I", "map"),
}


def unpack(content: bytes) -> Value:
    """Return the first value in *content*; what follows it is not looked at.

    Raises:
        ValueError: *content* ends too early, or has what uv's metadata never has.
    """
    try:
        return _Reader(content).read()
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def read(self) -> Value:
        kind = self._content[self._position]
        self._position += 1
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind in _LENGTHS:
            form, what = _LENGTHS[kind]
            return self._sequence(what, int(self._number(form)))
        return self._small(kind)

    def _small(self, kind: int) -> Value:
        if kind < 0x80:  # noqa: PLR2004  # the format's own bounds
            return kind
        if kind < 0x90:  # noqa: PLR2004
            return self._sequence("map", kind & 0x0F)
        if kind < 0xA0:  # noqa: PLR2004
            return self._sequence("list", kind & 0x0F)
        if kind < 0xC0:  # noqa: PLR2004
            return self._sequence("text", kind & 0x1F)
        if kind >= 0xE0:  # noqa: PLR2004
            return kind - 0x100
        raise ValueError(f"{kind:#x} starts no value")

    def _sequence(self, what: str, length: int) -> Value:
        if what == "list":
            return [self.read() for _ in range(length)]
        if what == "map":
            return {str(self.read()): self.read() for _ in range(length)}
        return self._bytes(length) if what == "bytes" else self._bytes(length).decode()

    def _number(self, form: str) -> int | float:
        (number,) = struct.unpack(form, self._bytes(struct.calcsize(form)))
        return number  # type: ignore[no-any-return]  # the forms are all numbers

    def _bytes(self, length: int) -> bytes:
        end = self._position + length
        if end > len(self._content):
            raise ValueError("it ends too early")
        found = self._content[self._position : end]
        self._position = end
        return found
