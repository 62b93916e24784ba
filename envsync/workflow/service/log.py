"""What a service that is a process has printed: a file whose beginning may have been let go.

The server frees the blocks of the oldest lines and keeps their place (`score.runtime.log_room`),
so that whoever has the file open writes and reads on where it was.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_BLOCK = 65536
_PAUSE = 0.05  # seconds


def read_log(path: Path, tail: int | None = None) -> tuple[bytes, int]:
    """Return the last *tail* lines of the file *path*, all if that is None, and where it ends."""
    try:
        stream = _open(path)
    except FileNotFoundError:
        return b"", 0
    with stream:
        end = stream.seek(0, os.SEEK_END)
        first = _find_first(stream.fileno())
        start = first if tail is None else end
        found = b""
        while tail is not None and start > first and found.count(b"\n") <= tail:
            start = max(first, start - _BLOCK)
            stream.seek(start)
            found = stream.read(end - start)
        if tail is None:
            stream.seek(start)
            found = stream.read(end - start)
        if start == first > 0:
            found = found.lstrip(b"\0").partition(b"\n")[2]  # but for half a line
        lines = found.splitlines(keepends=True)
        return b"".join(lines if tail is None else lines[max(0, len(lines) - tail) :]), end


def follow_log(path: Path, tail: int | None, is_alive: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what `read_log` returns, and what is written to the file, until *is_alive* is False."""
    text, position = read_log(path, tail)
    yield text
    with _open(path) as stream:
        goes_on = True
        while goes_on:
            goes_on = is_alive()
            # Behind by more than is kept, or the file was cut.
            end = os.fstat(stream.fileno()).st_size
            position = 0 if end < position else max(position, _find_first(stream.fileno()))
            stream.seek(position)
            while block := stream.read(_BLOCK):
                position += len(block)
                yield block
            time.sleep(_PAUSE)


def _open(path: Path) -> BinaryIO:
    """Open the log *path*; its place is the script's to write to, so it may be anything.

    Raises:
        EnvsyncError: it is no file, or can't be read.
    """
    try:
        return open_regular(path, follows=False)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{path}`: {error.strerror or error}") from error


def _find_first(descriptor: int) -> int:
    """Return where the file's text begins; before that nothing is kept."""
    with contextlib.suppress(OSError):  # it is empty
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    return 0
