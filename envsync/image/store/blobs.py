"""A store of files by their sha256: layers, compressed or not."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import IO, TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import (
    cannot_write,
    make_aside,
    read_regular,
    remove_left_over,
)
from envsync.files.hashing import hash_file
from envsync.model.digest import Digest, parse_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_UNFINISHED = "unfinished"
_SEEN = ".seen"
_LARGEST_NOTE = 1 << 10
_KEPT_SECONDS = 30 * 24 * 3600


class Writer:
    """A blob that is being written, with its size and hash so far."""

    def __init__(self, stream: IO[bytes], root: Path) -> None:
        self._stream = stream
        self._root = root
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        """Append *content*."""
        self._hash.update(content)
        self.size += len(content)
        try:
            return self._stream.write(content)
        except OSError as error:
            raise cannot_write(self._root, error) from error

    @property
    def digest(self) -> Digest:
        """The digest of the bytes so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")


class BlobStore:
    """The blobs in one folder; each is there whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: Digest) -> Path:
        """Return the path for the blob *digest*."""
        return self._root / parse_digest(digest).removeprefix("sha256:")

    def find(self, digest: Digest) -> Path | None:
        """Return the path of the blob *digest*, None if it is missing or was changed.

        A changed one is removed. It is hashed only if its inode differs from the last check.
        """
        path = self.path(digest)
        seen = _seen_path(path)
        try:
            found = _fingerprint(path)
        except FileNotFoundError:
            return None
        with contextlib.suppress(OSError, ValueError):
            if json.loads(read_regular(seen, most=_LARGEST_NOTE)) == found:
                os.utime(seen)  # it is still used
                return path
        with contextlib.suppress(OSError):  # a pipe, say
            if hash_file(path) == digest:
                _note(seen, found)
                return path
        path.unlink(missing_ok=True)
        return None

    @contextlib.contextmanager
    def write(self, *, expected: Digest | None = None) -> Iterator[Writer]:
        """Yield a writer whose blob is in the store when the block ends without an error.

        Raises:
            EnvsyncError: it does not have the digest *expected*, or there is no room for it.
        """
        with contextlib.ExitStack() as stack:
            with _writing(self._root):
                self._root.mkdir(parents=True, exist_ok=True)
                aside = stack.enter_context(make_aside(self._root / _UNFINISHED))
                stream = aside.open("wb", buffering=_CHUNK)
            stack.callback(_close, stream)
            writer = Writer(stream, self._root)
            yield writer
            if expected is not None and writer.digest != expected:
                raise EnvsyncError(
                    f"A layer's sha256 is `{writer.digest}`, not `{expected}`",
                    hint="download the base image again: this layer was cut short or changed",
                )
            with _writing(self._root):
                stream.close()
                path = self.path(writer.digest)
                aside.chmod(0o644)
                aside.replace(path)
            with contextlib.suppress(OSError):
                _note(_seen_path(path), _fingerprint(path))

    def clean(self) -> None:
        """Remove what killed processes left, and blobs that were not used for a month."""
        remove_left_over(self._root / _UNFINISHED)
        too_old = time.time() - _KEPT_SECONDS
        for seen in self._root.glob(f"*{_SEEN}"):
            with contextlib.suppress(OSError):  # another process may remove it too
                if seen.lstat().st_mtime < too_old:
                    seen.with_suffix("").unlink(missing_ok=True)
                    seen.unlink()


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # no room for the rest, which was reported
        stream.close()


def _seen_path(path: Path) -> Path:
    return path.with_name(f"{path.name}{_SEEN}")


def _fingerprint(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _note(seen: Path, fingerprint: list[int]) -> None:
    """Write *fingerprint* to a new file *seen*, not through a link in its place."""
    with contextlib.suppress(OSError):  # the blob is hashed again next time
        seen.unlink(missing_ok=True)
        with seen.open("x", encoding="utf-8") as stream:
            json.dump(fingerprint, stream)


@contextlib.contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Report a failure as one to write to *root*."""
    try:
        yield
    except OSError as error:
        raise cannot_write(root, error) from error
