"""Reading files that others may have put there, without ever waiting."""

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
    """Open the file at *path*, which others may have put there, for reading.

    This does not wait for a pipe. A link is refused unless this *follows* links.

    Raises:
        OSError: it can't be opened, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | (NO_WAIT if follows else NO_LINK))
    try:
        check_regular(descriptor)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, most: int, follows: bool = False) -> bytes:
    """Return the bytes of the file at *path*; a link is refused unless this *follows* links.

    Raises:
        OSError: it can't be read, or is not a regular file.
        ValueError: it has more than *most* bytes.
    """
    with open_regular(path, follows=follows) as stream:
        content = stream.read(min(os.fstat(stream.fileno()).st_size, most) + 1)
    if len(content) > most:
        raise ValueError(f"It has more than {most} bytes")
    return content


def check_regular(descriptor: int) -> None:
    """Refuse *descriptor* unless it is that of a regular file.

    Raises:
        OSError: it is that of a folder, a pipe or the like.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, "not a regular file")
