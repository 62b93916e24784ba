"""What a lock may be asked, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import EnvsyncError, Finding
    from envsync.lock.diff import Change
    from envsync.model.lockfile import Lockfile


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOptions:
    """What the command line says about a lock.

    *subdirs* empty means the usual ones. *update* names the packages that may move though they
    still fit; *upgrade* lets all of them. *cut_off* is a date or a time, `none` to forget the
    lock's, None to keep it. *system_requirements* are statements such as `glibc=2.17`. A lock
    with more than *max_changes* changes is refused. With *allow_unreproducible* a pip
    requirement that can't be locked for good is a warning, and left out where it has no hash.
    With *offline* only caches and files are asked. With *no_build* source code is refused.
    """

    subdirs: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    upgrade: bool = False
    cut_off: str | None = None
    system_requirements: tuple[str, ...] = ()
    max_changes: int | None = None
    allow_unreproducible: bool = False
    offline: bool = False
    no_build: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing asks for a solve where the lock is fresh."""
        return not (self.update or self.upgrade or self.cut_off or self.system_requirements)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """What a lock came to.

    *was_written* is False where the file said the same. *changes* are those against the earlier
    lock. *failures* has the error of each subdir that could not be locked.
    *notes* say what became of the Python asked for, and of the base image.
    """

    path: Path
    lockfile: Lockfile = field(repr=False)  # pages of it
    was_written: bool
    changes: tuple[Change, ...]
    failures: tuple[EnvsyncError, ...]
    warnings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
