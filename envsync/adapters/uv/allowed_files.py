"""The files that a definition allows: those whose hashes it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envsync.errors import EnvsyncError
from envsync.model.redaction import quote
from envsync.solve.pip_constraints import applies

if TYPE_CHECKING:
    from packaging.markers import Environment
    from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock

    from envsync.model.pip_section import PipRequirement
    from envsync.solve.request import PipRequest


def drop_other_files(lock: Pylock, request: PipRequest, environment: Environment) -> Pylock:
    """Return *lock* without files that the hashes in *request* don't allow, as pip sees to it.

    Raises:
        EnvsyncError: they allow none of a package.
    """
    by_name = {canonicalize_name(package.name): package for package in lock.packages}
    provided = {each.name for each in request.provided}
    for asked in request.parsed:
        package = by_name.get(asked.name or "")
        if not asked.hashes or package is None or asked.name in provided:
            continue
        if applies(asked, environment):
            by_name[canonicalize_name(package.name)] = _keep_allowed(package, asked)
    return replace(lock, packages=tuple(by_name.values()))


def _keep_allowed(package: Package, asked: PipRequirement) -> Package:
    allowed = frozenset(asked.hashes)
    wheels = tuple(wheel for wheel in package.wheels or () if _is_allowed(wheel, allowed))
    sdist = package.sdist if package.sdist and _is_allowed(package.sdist, allowed) else None
    archive = package.archive if package.archive and _is_allowed(package.archive, allowed) else None
    if not (wheels or sdist or archive):
        raise EnvsyncError(
            f"No file of `{package.name}` has a hash that {quote(asked.text)} allows under `pip:`",
            hint="correct its `--hash=sha256:...`, or drop that: the lock has the hashes",
        )
    return replace(package, wheels=wheels or None, sdist=sdist, archive=archive)


def _is_allowed(
    file: PackageWheel | PackageSdist | PackageArchive, allowed: frozenset[str]
) -> bool:
    return any(f"{kind}:{digest}" in allowed for kind, digest in file.hashes.items())
