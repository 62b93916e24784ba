"""The archives that lie beside a lock."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envsync.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.model.lockfile import Lockfile

_CHUNK = 1 << 20


def find_relative_path(url: str) -> str | None:
    """Return the path in a lock's address that starts at its folder (`file:wheels/x.whl`)."""
    if not url.startswith("file:"):
        return None
    parts = urlsplit(url)
    is_relative = not parts.netloc and not parts.path.startswith("/")
    return unquote(parts.path) if is_relative else None


def find_changed_files(lockfile: Lockfile, directory: Path) -> Iterator[str]:
    """Yield the end of a sentence for each archive in *directory* that is not what is locked."""
    locked = {
        path: package.sha256
        for package in lockfile.packages
        if (path := find_relative_path(package.url)) is not None
    }
    for path, sha256 in sorted(locked.items()):
        found = _hash(directory / PurePosixPath(path))
        if found is None:
            yield f"`{path}` is not there"
        elif sha256 is not None and found != sha256:
            yield f"`{path}` is not the file that was locked"


def _hash(path: Path) -> str | None:
    import hashlib  # noqa: PLC0415  # it takes as long to load as a check without such files

    digest = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
