"""A lock on a directory, between processes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from envsync.files.failure import cannot_write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def lock_directory(path: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the directory *path*, which is created if it isn't there.

    This waits while another process holds it. The system releases it if the process dies. A link
    or a FIFO in the place of the lock's file is left as it is.

    Raises:
        BlockingIOError: another process holds it, and *waits* is false.
        EnvsyncError: the directory can't be created or written to.
    """
    import filelock  # noqa: PLC0415  # it loads asyncio, and a command that only reads locks nothing

    place = path / ".envsync.lock"
    try:
        path.mkdir(parents=True, exist_ok=True)
        _check_not_planted(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    lock = filelock.FileLock(place, blocking=waits)
    try:
        _check_place(place)
        lock.acquire()
    except filelock.Timeout as error:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
    except OSError as error:
        raise cannot_write(place, error) from error
    try:
        yield
    finally:
        lock.release()


def _check_not_planted(path: Path) -> None:
    """Refuse *path* where another user created it in a folder like `/tmp` that all may write to."""
    if os.name != "posix":
        return
    folder, found = path.parent.stat(), path.lstat()
    is_for_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if is_for_all and found.st_uid not in {0, os.geteuid(), folder.st_uid}:
        raise PermissionError(errno.EPERM, "another user created it")


def _check_place(place: Path) -> None:
    """Refuse what isn't a regular file; filelock itself follows no link."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(place.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "not a regular file")
