"""Which archive of each package uv has locked is the one for the target."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock
from packaging.utils import canonicalize_name

from envsync.errors import EnvsyncError
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage
from envsync.solve.python_target import describe_environment, list_tags

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.solve.request import PipRequest


def select_archives(pylock: str, request: PipRequest, *, base: Path) -> tuple[LockedPackage, ...]:
    """Return what the text *pylock* has for *request*, stubs left out.

    Its paths start at *base*, where the stubs lie too.

    Raises:
        EnvsyncError: a package has no hash.
    """
    lock = Pylock.from_dict(_without_dates(tomllib.loads(pylock)))
    return tuple(_select(lock, request, base=base))


def _without_dates(data: Any) -> Any:
    """Drop `upload-time`, which is not part of what is locked."""
    if isinstance(data, dict):
        return {key: _without_dates(value) for key, value in data.items() if key != "upload-time"}
    if isinstance(data, list):
        return [_without_dates(value) for value in data]
    return data


def _select(lock: Pylock, request: PipRequest, *, base: Path) -> Iterator[LockedPackage]:
    """Yield what *lock* has for the target, stubs left out; its paths start at *base*."""
    chosen = lock.select(
        environment=describe_environment(request.python_version, request.subdir),
        tags=list_tags(request.python_version, request.subdir, glibc=request.glibc),
    )
    for package, archive in sorted(chosen, key=lambda pair: pair[0].name):
        if isinstance(archive, PackageArchive) and _is_stub(archive, base):
            continue
        if not isinstance(archive, PackageWheel | PackageSdist | PackageArchive):
            if request.leave_out_unhashed:
                continue
            raise EnvsyncError(
                f"pip requirement `{package.name}` can't be locked: it is a folder or a "
                "repository, which has no hash",
                hint="build a wheel of it and name that",
            )
        yield _lock_archive(package, archive, request.subdir, base)


def _is_stub(archive: PackageArchive, base: Path) -> bool:
    return archive.path is not None and (base / archive.path).resolve().parent == base


def _lock_archive(
    package: Package, archive: PackageWheel | PackageSdist | PackageArchive, subdir: str, base: Path
) -> LockedPackage:
    url = archive.url or (base / (archive.path or "")).resolve().as_uri()
    return LockedPackage(
        name=canonicalize_name(package.name),
        version=str(package.version) if package.version else "0",
        manager="pip",
        subdir=subdir,
        url=redact_url(url),
        sha256=archive.hashes.get("sha256"),
    )
