"""Which packages are not those of the lock."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envsync.lock.diff import diff_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envsync.lock.diff import Change
    from envsync.model.lockfile import LockedPackage


def find_deviations(
    locked: Sequence[LockedPackage],
    found: Sequence[LockedPackage],
    *,
    is_newer: Callable[[LockedPackage, LockedPackage], bool],
) -> tuple[Change, ...]:
    """Return how *found* differs from *locked*, conda's packages first, each sorted by name.

    A package that pip put over one of conda's is one that pip added. *is_newer* is as in
    `diff_packages`.
    """
    return tuple(
        change
        for manager in ("conda", "pip")
        for change in diff_packages(
            _pick(locked, manager), _pick(found, manager), is_newer=is_newer
        )
    )


def _pick(packages: Iterable[LockedPackage], manager: str) -> list[LockedPackage]:
    return [normalize(package) for package in packages if package.manager == manager]


def normalize(package: LockedPackage) -> LockedPackage:
    """Return a pip package with name and version as an index spells them, others as they are.

    Installed packages and those of locks that others wrote may spell them otherwise.
    """
    if package.manager != "pip":
        return package
    name = re.sub(r"[-_.]+", "-", package.name).lower()
    try:
        version = str(Version(package.version))
    except InvalidVersion:
        version = package.version
    return replace(package, name=name, version=version)
