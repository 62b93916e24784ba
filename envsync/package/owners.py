"""Which package has a file that several packages bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envsync.model.lockfile import LockedPackage

_Package = TypeVar("_Package")


def rank_owner(package: LockedPackage) -> tuple[bool, str]:
    """Return the rank of *package* among those that bring one file: the highest one has it.

    A pip package comes before conda packages, as it is installed later; then the last name wins.
    """
    return package.manager == "pip", package.name


def find_clobbers(claims: Mapping[_Package, Collection[str]]) -> dict[str, list[_Package]]:
    """Return the paths that several packages of *claims* have, with those packages in order."""
    if sum(map(len, claims.values())) == len(set().union(*claims.values())):
        return {}  # as nearly always
    owners: dict[str, list[_Package]] = {}
    for package, paths in claims.items():
        for path in paths:
            owners.setdefault(path, []).append(package)
    return {path: found for path, found in sorted(owners.items()) if len(found) > 1}


def find_overshadowed(claims: Mapping[_Package, Collection[str]]) -> dict[str, _Package]:
    """Return the files below paths where another package of *claims* has a file or a link.

    The folder wins, so its files must be in a layer above the file or link that would hide them.
    """
    shadows = _list_shadows(claims)
    if not shadows:
        return {}  # as nearly always
    return {
        path: package
        for package, paths in claims.items()
        for path in paths
        if path.startswith(shadows)
    }


def find_crossing(claims: Mapping[_Package, Collection[str]]) -> tuple[_Package, ...]:
    """Return the packages that have files where others have folders, and those others."""
    shadows = _list_shadows(claims)
    if not shadows:
        return ()
    return tuple(
        package
        for package, paths in claims.items()
        if any(f"{path}/".startswith(shadows) for path in paths)
    )


def _list_shadows(claims: Mapping[_Package, Collection[str]]) -> tuple[str, ...]:
    """Return the paths, with a slash, that are files of one package and folders of another."""
    folders: set[str] = set()
    for paths in claims.values():
        for folder in {path.rpartition("/")[0] for path in paths}:
            _add_with_parents(folder, folders)
    return tuple(f"{path}/" for paths in claims.values() for path in folders.intersection(paths))


def _add_with_parents(folder: str, folders: set[str]) -> None:
    while folder and folder not in folders:
        folders.add(folder)
        folder = folder.rpartition("/")[0]
