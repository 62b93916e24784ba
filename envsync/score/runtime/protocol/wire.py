"""Frames between the two ends of a worker's pipe: a JSON header and a body of bytes.

A frame is the length of its header and of its body, four bytes each (big-endian), then both.
"""

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
_NOTHING = b"{}"
_dumps, _loads = json.dumps, json.loads  # entry scripts put others in their place


def pack(header: "dict[str, Any]", body: bytes = b"") -> bytes:
    """Return the frame of *header* and *body*."""
    return pack_head(header, len(body)) + body


def pack_head(header: "dict[str, Any]", length: int) -> bytes:
    """Return what comes before the *length* bytes of the body in the frame of *header*."""
    text = _dumps(header).encode("ascii") if header else _NOTHING
    return _LENGTHS.pack(len(text), length) + text


def read(stream: "BinaryIO") -> "tuple[dict[str, Any], bytes] | None":
    """Return the next frame of *stream*, None at its end or where it breaks off."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_length, body_length = _LENGTHS.unpack(lengths)
    text = stream.read(header_length)
    body = stream.read(body_length) if body_length else b""
    if len(text) < header_length or len(body) < body_length:
        return None
    return {} if text == _NOTHING else _loads(text.decode("ascii")), body


def take(buffer: bytearray) -> "tuple[dict[str, Any], bytes] | None":
    """Take the first frame off *buffer*, None while it is not whole."""
    if len(buffer) < _LENGTHS.size:
        return None
    header_length, body_length = _LENGTHS.unpack_from(buffer)
    body_start = _LENGTHS.size + header_length
    end = body_start + body_length
    if len(buffer) < end:
        return None
    header = _loads(buffer[_LENGTHS.size : body_start].decode("ascii"))
    with memoryview(buffer) as view:
        body = bytes(view[body_start:end])
    del buffer[:end]
    return header, body
