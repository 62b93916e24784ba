"""The folders of services: only their owner can read them, and only the owner's are used.

A service's log and its copies of source and model may be secret, and what its plan says is run.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import cannot_write
from envsync.prefix.location import find_home

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = ".locks"
CURRENT = "current"


def services_folder() -> Path:
    """Return the folder that the services of this home lie in."""
    return find_home() / "services"


def own_folders() -> frozenset[Path]:
    """Return the folders that are never part of a source: envsync's home, and its services."""
    return frozenset({find_home().resolve(), services_folder().resolve()})


def open_services() -> Path:
    """Return the folder of the services, made if need be.

    What an earlier version left readable for others is closed to them.

    Raises:
        EnvsyncError: it can't be made, or belongs to another user.
    """
    folder = services_folder()
    make_private(folder)
    for name in sorted(path for path in folder.iterdir() if not path.is_symlink()):
        close_to_others(name)
        if name.is_dir():
            for path in sorted(name.iterdir()):
                close_to_others(path)
    return folder


def make_private(folder: Path) -> None:
    """Make *folder*, with those above it, for this user alone; one that is there becomes so.

    Raises:
        EnvsyncError: it can't be made, or belongs to another user.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir(mode=stat.S_IRWXU)
        except FileExistsError:
            if not folder.is_dir():  # a link to nowhere, or a file
                raise
        check_owner(folder)
        check_owner(folder.resolve())
        folder.chmod(stat.S_IRWXU)
    except OSError as error:
        raise cannot_write(folder, error) from error


def check_owner(path: Path) -> None:
    """Refuse *path*, a link itself and not what it leads to, if it is not this user's.

    Raises:
        EnvsyncError: it belongs to another user.
        OSError: it is not there.
    """
    if hasattr(os, "geteuid") and path.lstat().st_uid != os.geteuid():
        raise EnvsyncError(
            f"`{path}` belongs to another user",
            hint="move it away, or set `ENVSYNC_HOME` to a folder of your own",
        )


def close_deployment(folder: Path) -> None:
    """Close *folder*, that of one deployment, and what lies in it to other users.

    Raises:
        EnvsyncError: something in it belongs to another user.
        FileNotFoundError: it is not there.
    """
    for path in (folder.parent, folder, *folder.iterdir()):
        close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take away what others may do with *path*; of a link only the owner is checked.

    Raises:
        EnvsyncError: it belongs to another user.
    """
    try:
        check_owner(path)
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            path.chmod(stat.S_IMODE(mode) & stat.S_IRWXU)
    except FileNotFoundError:
        return  # another process removed it
    except OSError as error:
        raise cannot_write(path, error) from error
