"""The sha256 of a file."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from envsync.files.reading import open_regular
from envsync.model.digest import Digest

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20


def hash_file(path: Path, *, start: int = 0, size: int = sys.maxsize) -> Digest:
    """Return the sha256 of *size* bytes of the file at *path*, with its kind in front."""
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        stream.seek(start)
        while size and (chunk := stream.read(min(_CHUNK, size))):
            digest.update(chunk)
            size -= len(chunk)
    return Digest(f"sha256:{digest.hexdigest()}")
