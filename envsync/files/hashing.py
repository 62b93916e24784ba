"""The sha256 of files, bytes and values."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

from envsync.files.reading import open_regular
from envsync.model.digest import Digest

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20


def hash_file(path: Path, *, start: int = 0, size: int = sys.maxsize) -> Digest:
    """Return the digest of *size* bytes of the file at *path*, from *start* on."""
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        stream.seek(start)
        while size and (chunk := stream.read(min(_CHUNK, size))):
            digest.update(chunk)
            size -= len(chunk)
    return Digest(f"sha256:{digest.hexdigest()}")


def hash_bytes(content: bytes) -> Digest:
    """Return the digest of *content*."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def hash_json(content: object) -> str:
    """Return the sha256 of *content* as JSON, in hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
