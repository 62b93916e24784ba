"""Removing files and folders, whatever is in them."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 5
_PAUSE = 0.05  # seconds


def remove_tree(path: Path) -> None:
    """Delete the directory *path* and all below it, if it exists.

    An engine that failed may write into it for a moment longer, so this tries several times. What
    can't be deleted in the end is left without an error, which would hide the one that led here.
    """
    import shutil  # noqa: PLC0415  # slow to load: it brings all archive formats

    if path.is_symlink() or not path.is_dir():  # `rmtree` would wait for a pipe
        with contextlib.suppress(OSError):
            path.unlink()
        return
    for _ in range(_TRIES):
        try:
            shutil.rmtree(path, ignore_errors=True)
        except RecursionError:
            with contextlib.suppress(OSError):
                _flatten(path)
            continue
        if not path.exists():
            return
        time.sleep(_PAUSE)


def _flatten(folder: Path) -> None:
    """Remove what is in *folder*, however deeply nested.

    It moves nested folders up, level by level, so that neither a path nor a call gets too deep.
    """
    token, moved = os.urandom(4).hex(), 0
    while True:
        with os.scandir(folder) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        if not below:
            return
        for path in below:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        moved += 1
                        os.rename(entry.path, folder / f"{token}-{moved}")  # noqa: PTH104
                    else:
                        os.unlink(entry.path)  # noqa: PTH108
            os.rmdir(path)  # noqa: PTH106


def remove(path: Path) -> None:
    """Delete *path*, a file, a link or a folder with all below it, if it exists."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
