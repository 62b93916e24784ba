"""Files that appear whole or not at all, and a lock on a directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TRIES = 5
_PAUSE = 0.05  # seconds


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Put *content*, or its pieces, at *path* in one step; on failure *path* is as before.

    Raises:
        EnvsyncError: the disk is full, or the directory can't be written to.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines((content,) if isinstance(content, bytes) else content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(_mode_for(path))
        Path(name).replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Delete the directory *path* and all below it; one that isn't there is no error.

    An engine that failed may still be writing into it for a moment, so it is tried again. What
    can't be deleted at last is left: whoever clears up must not hide why.
    """
    for _ in range(_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(_PAUSE)


@contextlib.contextmanager
def lock_directory(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the directory *path*, which is made if it isn't there.

    Another process that holds it is waited for. The system releases it if the process dies.

    Raises:
        EnvsyncError: the directory can't be made or written to.
    """
    import fcntl  # noqa: PLC0415  # POSIX alone has it; Windows needs msvcrt here

    try:
        path.mkdir(parents=True, exist_ok=True)
        stream = (path / ".envsync.lock").open("ab")
    except OSError as error:
        raise _cannot_write(path, error) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _mode_for(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _cannot_write(path: Path, error: OSError) -> EnvsyncError:
    return EnvsyncError(f"Cannot write `{path}`: {error.strerror or error}")
