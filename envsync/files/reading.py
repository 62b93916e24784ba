"""Files that others may have put there, opened without waiting for anyone."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

# Opening a FIFO waits for its other end, and a symbolic link may lead anywhere. Windows has none
# of these flags, and translates line ends unless told not to.
NO_WAIT = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
NO_LINK = NO_WAIT | getattr(os, "O_NOFOLLOW", 0)


def open_regular(path: Path, *, follows: bool = True) -> BinaryIO:
    """Open the file at *path*, which others may have put there, to be read.

    What is no file, such as a pipe that nobody writes to, is not waited for. A link to it counts
    unless it *follows* none.

    Raises:
        OSError: it can't be opened, or is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | (NO_WAIT if follows else NO_LINK))
    try:
        check_regular(descriptor)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, most: int, follows: bool = False) -> bytes:
    """Return the bytes of the file at *path*, *most* at most; a link counts only if it *follows*.

    Raises:
        OSError: it can't be read, or is no file.
        ValueError: it is larger.
    """
    with open_regular(path, follows=follows) as stream:
        content = stream.read(min(os.fstat(stream.fileno()).st_size, most) + 1)
    if len(content) > most:
        raise ValueError(f"It has more than {most} bytes")
    return content


def check_regular(descriptor: int) -> None:
    """Refuse what *descriptor* was opened for if it is no file.

    Raises:
        OSError: it is a folder, a pipe or the like.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, "not a regular file")
