"""Keeping the file that the server's output goes to from filling the disk.

Its oldest blocks are given back and their place is kept: nobody who has it open, the script's own
children among them, has to open another, and no line that is kept is moved or lost.
"""

import ctypes
import os
import stat

from .log import say

_LARGEST = 64 * 1048576
_KEPT = 32 * 1048576
_BLOCK = 65536
_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # Linux's FALLOC_FL_*


class LogRoom:
    """Bounds the file at *descriptor*; what is no file is left alone."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._freed = 0
        self._is_on = hasattr(os, "SEEK_DATA") and _is_appended_to(descriptor)

    def look(self, largest: int = _LARGEST, kept: int = _KEPT) -> None:
        """Give back all but the last *kept* bytes if the file has more than *largest*."""
        if not self._is_on:
            return
        size = os.fstat(self._descriptor).st_size
        if size < self._freed:  # somebody cut it
            self._freed = 0
        if size - self._freed <= largest:
            return
        until = (size - kept) // _BLOCK * _BLOCK
        if _free(self._descriptor, until):
            self._freed = until
            return
        os.ftruncate(self._descriptor, 0)  # a file system that can't do better
        self._freed = 0
        say("WARNING", "The log had {} bytes, and begins anew".format(size))


def _is_appended_to(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415  # POSIX alone has it

    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return is_file and bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND)
    except OSError:
        return False


def _free(descriptor: int, length: int) -> bool:
    try:
        call = ctypes.CDLL(None).fallocate
    except (OSError, AttributeError):
        return False
    mode = _KEEP_SIZE | _PUNCH_HOLE
    done = call(descriptor, mode, ctypes.c_int64(0), ctypes.c_int64(length))
    return int(done) == 0
