"""The stories of `envsync why` and `envsync tree`: a lock, explained from the lock alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.lock.graph import find_chain, name_of, normalize, walk_tree
from envsync.lock.requested import parse_requested
from envsync.model.repository import parse_repository
from envsync.model.text.wording import suggest
from envsync.workflow.lock.files import find_lock, load_lock_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage, Lockfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """Why a package is in a lock: what *asked* for the first of *packages*, each needs the next.

    *packages* has the package alone where nothing is known to lead to it.
    """

    subdir: str
    asked: str
    packages: tuple[LockedPackage, ...]


def explain(directory: Path, name: str) -> tuple[Chain, ...]:
    """Return a chain from the definition to the package *name*, for each subdir that has it.

    Raises:
        DefinitionError: the lock is wrong, or has no such package.
        EnvsyncError: there is no lock.
    """
    lockfile = load_lock_file(find_lock(directory))
    roots = _list_roots(lockfile)
    chains = []
    for subdir in lockfile.subdirs:
        packages = lockfile.packages_for(subdir)
        found = [each for each in packages if normalize(each.name) == normalize(name)]
        if not found:
            continue
        chain = find_chain(packages, roots, name) or (found[0],)
        asked = roots.get(normalize(chain[0].name), "")
        chains.append(Chain(subdir=subdir, asked=asked, packages=chain))
    if not chains:
        names = sorted({package.name for package in lockfile.packages})
        raise DefinitionError(
            f"`{find_lock(directory)}` has no package `{name}`", hint=suggest(name, names)
        )
    return tuple(chains)


def list_tree(directory: Path, subdir: str | None) -> tuple[tuple[int, LockedPackage, bool], ...]:
    """Return the packages of a lock below those asked for: depth, package, whether repeated.

    Without *subdir* it is the first of the lock's.

    Raises:
        DefinitionError: the lock is wrong, or has no such subdir.
        EnvsyncError: there is no lock.
    """
    path = find_lock(directory)
    lockfile = load_lock_file(path)
    chosen = subdir or next(iter(lockfile.subdirs), "")
    if chosen not in lockfile.subdirs:
        raise DefinitionError(
            f"`{path}` has no packages for `{chosen}`",
            hint=f"it has {', '.join(f'`{known}`' for known in lockfile.subdirs)}",
        )
    packages = lockfile.packages_for(chosen)
    roots = _list_roots(lockfile) or {normalize(package.name): "" for package in packages}
    return tuple(walk_tree(packages, roots))


def _list_roots(lockfile: Lockfile) -> dict[str, str]:
    """Return what was asked for, by the name of its package."""
    requested = parse_requested(lockfile.channels, lockfile.custom_metadata)
    if requested is None:
        return {}
    repositories = {
        (found.url, found.subdirectory): normalize(package.name)
        for package in lockfile.packages
        if (found := parse_repository(package.url)) is not None
    }
    return {
        _find_name(text, repositories): text for text in (*requested.pip, *requested.match_specs)
    }


def _find_name(text: str, repositories: Mapping[tuple[str, str], str]) -> str:
    """Return the name of the package that *text* asks for; a repository alone doesn't say it."""
    found = parse_repository(text)
    place = (found.url, found.subdirectory) if found is not None else ("", "")
    return repositories.get(place) or name_of(text)
