"""Locks for definitions that nothing was solved for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.adapters.conda_lock import dump_lockfile
from envsync.definition import load
from envsync.lock.requested import dump_requested, list_requested
from envsync.model.lockfile import Lockfile

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage


def make_lock(
    directory: Path, *packages: LockedPackage, subdirs: tuple[str, ...] = ("linux-64",)
) -> str:
    """Return the text of a lock that answers the definition in *directory* with *packages*."""
    requested = list_requested(load(directory).spec)
    lockfile = Lockfile(
        subdirs=subdirs,
        channels=requested.channels,
        sources=("conda_dependencies.yml",),
        content_hash=tuple((subdir, "0" * 64) for subdir in subdirs),
        custom_metadata=dump_requested(requested),
        packages=packages,
    )
    return dump_lockfile(lockfile)
