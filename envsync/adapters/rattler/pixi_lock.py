"""A `pixi.lock`, versions 6 and 7, read through rattler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rattler.lock import LockFile
from rattler.lock.package import CondaLockedBinaryPackage, PypiLockedPackage

from envsync.adapters.rattler.failure import last_line
from envsync.adapters.rattler.record import from_record
from envsync.errors import DefinitionError
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage, Lockfile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rattler.lock import Environment

DEFAULT_ENVIRONMENT = "default"


def load_pixi_lock(path: Path, *, environment: str = DEFAULT_ENVIRONMENT) -> Lockfile:
    """Return what the `pixi.lock` at *path* has for *environment*.

    Raises:
        DefinitionError: it can't be read, or has no such environment, or has a package that is
            neither an archive of conda's nor one of pip's with a hash.
    """
    try:
        lock = LockFile.from_path(path)
    except Exception as error:
        raise DefinitionError(f"Cannot read `{path}`: {last_line(error)}") from error
    chosen = lock.environment(environment)
    if chosen is None:
        raise DefinitionError(f"`{path}` has no environment `{environment}`")
    packages = tuple(_list_packages(chosen, path))
    subdirs = tuple(sorted({package.subdir for package in packages}))
    return Lockfile(
        subdirs=subdirs,
        channels=tuple(redact_url(str(channel)) for channel in chosen.channels()),
        sources=(),
        content_hash=(),
        packages=packages,
    )


def _list_packages(environment: Environment, path: Path) -> Iterator[LockedPackage]:
    for platform, packages in environment.packages_by_platform().items():
        for package in packages:
            if isinstance(package, CondaLockedBinaryPackage):
                yield from_record(package.repo_data_record(), platform.name)
            elif isinstance(package, PypiLockedPackage) and _is_address(package.location):
                yield _from_pypi(package, platform.name)
            else:
                raise DefinitionError(
                    f"`{path}`: `{package.name}` is source code, which has no fixed bytes",
                    hint="build a package of it, and lock that",
                )


def _from_pypi(package: PypiLockedPackage, subdir: str) -> LockedPackage:
    hashes = package.hashes
    digest = hashes.sha256.hex() if hashes is not None and hashes.sha256 else None
    return LockedPackage(
        name=re.sub(r"[-_.]+", "-", str(package.name)).lower(),
        version=str(package.version),
        manager="pip",
        subdir=subdir,
        url=redact_url(package.location),
        sha256=digest,
    )


def _is_address(location: str) -> bool:
    return location.startswith(("https://", "http://", "file://"))
