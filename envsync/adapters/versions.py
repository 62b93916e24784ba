"""Versions compared as conda and as pip compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rattler
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version
from rattler.exceptions import (
    InvalidMatchSpecError,
    InvalidPackageNameError,
    InvalidVersionError,
)
from rattler.package import BuildString

if TYPE_CHECKING:
    from envsync.model.lockfile import LockedPackage


def is_newer(package: LockedPackage, other: LockedPackage) -> bool:
    """Tell whether *package* has a newer version than *other*, by the rules of its manager."""
    try:
        if package.manager == "pip":
            return Version(package.version) > Version(other.version)
        return bool(rattler.Version(package.version) > rattler.Version(other.version))
    except (InvalidVersion, InvalidVersionError):
        return package.version > other.version


def satisfies(package: LockedPackage, requirement: str) -> bool:
    """Tell whether *package* is what the *requirement* on its name admits, by its manager's rules.

    A requirement that can't be read admits everything.
    """
    if requirement in ("", "*"):
        return True
    try:
        if package.manager == "pip":
            return SpecifierSet(requirement).contains(package.version, prereleases=True)
        spec = rattler.MatchSpec(f"{package.name} {requirement}")
        record = rattler.PackageRecord(
            package.name, package.version, BuildString(package.build), 0, package.subdir
        )
        return record.matches(spec)
    except (InvalidMatchSpecError, InvalidPackageNameError, InvalidVersionError, ValueError):
        return True  # packaging's are ValueErrors
