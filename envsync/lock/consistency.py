"""What is wrong within a lock itself, whatever the definition says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.lock.entry_faults import find_archive_fault
from envsync.lock.requested import PIP_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.model.lockfile import LockedPackage, Lockfile


def find_inconsistencies(lockfile: Lockfile) -> tuple[str, ...]:
    """Return a sentence for each package that is there twice, lacks one, or lies elsewhere.

    Whether versions satisfy each other is not looked at; that takes a solver's rules.
    """
    return tuple(
        sentence
        for subdir in lockfile.subdirs
        for packages in (lockfile.packages_for(subdir),)
        for sentence in (
            *_check_subdir(subdir, packages),
            *(_check_pip(subdir, packages) if _is_own(lockfile) else ()),
        )
    )


def drop_unsound(lockfile: Lockfile) -> Lockfile:
    """Return *lockfile* without the packages that can't be what their entries say."""
    counted = Counter((each.subdir, each.manager, each.name) for each in lockfile.packages)
    sound = tuple(
        each
        for each in lockfile.packages
        if counted[each.subdir, each.manager, each.name] == 1
        and (each.manager == "pip" or find_archive_fault(each) is None)
    )
    return replace(lockfile, packages=sound)


def _check_subdir(subdir: str, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    conda = {package.name for package in packages if package.manager == "conda"}
    counted = Counter((package.manager, package.name) for package in packages)
    for (manager, name), count in sorted(counted.items()):
        if count > 1:
            yield f"`{subdir}` has the {manager} package `{name}` {count} times"
    for package in packages:
        if package.manager == "conda":
            fault = find_archive_fault(package)
            if fault is not None:
                yield f"`{package.url}` is not {fault}, as the entry says"
            for needed, _ in package.dependencies:
                if needed not in conda and not needed.startswith("__"):
                    yield f"`{subdir}` lacks `{needed}`, which `{package.name}` needs"


def _is_own(lockfile: Lockfile) -> bool:
    """Tell whether envsync wrote *lockfile*; others name pip packages that nobody needs here."""
    return any(key == PIP_KEY for key, _ in lockfile.custom_metadata)


def _check_pip(subdir: str, packages: tuple[LockedPackage, ...]) -> Iterator[str]:
    names = {package.name for package in packages}
    for package in packages:
        if package.manager == "pip":
            for needed, _ in package.dependencies:
                if needed not in names:
                    yield f"`{subdir}` lacks `{needed}`, which `{package.name}` needs"
