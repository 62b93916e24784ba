"""A lock on a directory, between processes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from envsync.files.failure import cannot_write
from envsync.files.reading import NO_LINK, check_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def lock_directory(path: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the directory *path*, which is made if it isn't there.

    Another process that holds it is waited for. The system releases it if the process dies. What
    others may have put in the place of the lock's file, a link or a FIFO, is left as it is.

    Raises:
        BlockingIOError: another process holds it, and this one *waits* not.
        EnvsyncError: the directory can't be made or written to.
    """
    import fcntl  # noqa: PLC0415  # POSIX alone has it; Windows needs msvcrt here

    try:
        path.mkdir(parents=True, exist_ok=True)
        _check_not_planted(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    descriptor = _open_lock(path / ".envsync.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _check_not_planted(path: Path) -> None:
    """Refuse *path* where another user made it in a folder like `/tmp`, in which all may write."""
    if os.name != "posix":
        return
    folder, found = path.parent.stat(), path.lstat()
    is_for_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if is_for_all and found.st_uid not in {0, os.geteuid(), folder.st_uid}:
        raise PermissionError(errno.EPERM, "another user made it")


def _open_lock(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
        try:
            check_regular(descriptor)
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error
    return descriptor
