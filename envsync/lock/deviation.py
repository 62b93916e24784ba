"""Which packages are not those of the lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
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
            *align(_pick(locked, manager), _pick(found, manager)), is_newer=is_newer
        )
    )


def align(
    one: Sequence[LockedPackage], other: Sequence[LockedPackage]
) -> tuple[list[LockedPackage], list[LockedPackage]]:
    """Return both with pip packages spelled alike: names as an index has them, equal versions.

    What is installed, and the locks that others wrote, may spell them otherwise.
    """
    first = [_rename(package) for package in one]
    versions = {package.name: package.version for package in first if package.manager == "pip"}
    second = []
    for package in map(_rename, other):
        version = versions.get(package.name, "") if package.manager == "pip" else ""
        is_same = _parse(version) is not None and _parse(version) == _parse(package.version)
        second.append(replace(package, version=version) if is_same else package)
    return first, second


def _pick(packages: Iterable[LockedPackage], manager: str) -> list[LockedPackage]:
    return [package for package in packages if package.manager == manager]


def _rename(package: LockedPackage) -> LockedPackage:
    if package.manager != "pip":
        return package
    return replace(package, name=canonicalize_name(package.name))


def _parse(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
