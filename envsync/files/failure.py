"""Why a file can't be written, and what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from pathlib import Path

_NO_ROOM = "free some space there, and run this again"
_NO_PERMISSION = "choose a place that you may write to"
_IN_THE_WAY = "move away what is in its place"
_HINTS = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: _NO_PERMISSION,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOENT: "create the folder for it",
    errno.ELOOP: _IN_THE_WAY,
}


def check_parent(path: Path) -> None:
    """Refuse *path* if its parent folder does not exist."""
    if not path.parent.is_dir():
        code = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        raise cannot_write(path, OSError(code, os.strerror(code)))


def cannot_write(path: Path, error: OSError) -> EnvsyncError:
    """Return the error that says why *path* can't be written, and what to do."""
    hint = _HINTS.get(error.errno or 0)
    return EnvsyncError(f"Cannot write `{path}`: {error.strerror or error}", hint=hint)
