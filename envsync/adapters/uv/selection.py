"""Which archive of each package uv has locked is the one for the target, and what it needs."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
)
from packaging.utils import canonicalize_name

from envsync.adapters.uv.hashes import keep_stated, refuse_unstated
from envsync.adapters.uv.local_place import refuse_unasked
from envsync.adapters.uv.metadata import Metadata, MetadataCache, read_wheel
from envsync.errors import EnvsyncError
from envsync.lock.formats.pylock import is_wheel
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage
from envsync.model.repository import has_sound_subdirectory, parse_repository
from envsync.model.text.redaction import quote as show
from envsync.solve.pip_constraints import applies
from envsync.solve.pip_dependencies import find_dependencies
from envsync.solve.python_target import describe_environment, list_tags

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envsync.solve.request import PipRequest, RepositoryStore

_Archive: TypeAlias = "PackageWheel | PackageSdist | PackageArchive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where more is found out about what uv has chosen.

    Paths of uv's answer start at *base*, where the stubs lie too.
    """

    base: Path
    cache: MetadataCache
    repositories: RepositoryStore
    credentials: Mapping[str, str]


def select_archives(
    pylock: str, request: PipRequest, sources: Sources
) -> tuple[LockedPackage, ...]:
    """Return what the text *pylock* has for *request*, stubs left out.

    Raises:
        EnvsyncError: a package has no hash, or a repository can't be read.
    """
    content = tomllib.loads(pylock)
    environment = describe_environment(request.python_version, request.subdir)
    provided = {each.name for each in request.provided}
    asked = [it for it in request.parsed if it.name not in provided and applies(it, environment)]
    keep_stated(content.get("packages", []), asked)
    lock = Pylock.from_dict(_without_dates(content))
    selected = list(_select(lock, request, sources))
    if request.requires_hashes:
        refuse_unstated((package for package, _ in selected), asked)
    dependencies = find_dependencies(
        {package.name: metadata.requires for package, metadata in selected},
        {each.name: each.extras for each in request.parsed if each.name is not None},
        provided=[each.name for each in request.provided],
        environment=environment,
    )
    names = {each.name: each.package for each in request.provided if each.package}
    return tuple(
        _complete(
            package,
            metadata,
            sorted((names.get(name, name), needed) for name, needed in dependencies[package.name]),
        )
        for package, metadata in selected
    )


def read_packages(pylock: str) -> Sequence[Package]:
    """Return the packages of the text *pylock*."""
    return Pylock.from_dict(_without_dates(tomllib.loads(pylock))).packages


def _without_dates(data: Any) -> Any:
    """Drop `upload-time`, which is not part of what is locked."""
    if isinstance(data, dict):
        return {key: _without_dates(value) for key, value in data.items() if key != "upload-time"}
    if isinstance(data, list):
        return [_without_dates(value) for value in data]
    return data


def _select(
    lock: Pylock, request: PipRequest, sources: Sources
) -> Iterator[tuple[LockedPackage, Metadata]]:
    """Yield what *lock* has for the target, stubs left out."""
    chosen = lock.select(
        environment=describe_environment(request.python_version, request.subdir),
        tags=list_tags(request.python_version, request.subdir, glibc=request.glibc),
    )
    for package, archive in sorted(chosen, key=lambda pair: pair[0].name):
        if isinstance(archive, PackageVcs | PackageArchive | PackageDirectory):
            url = getattr(archive, "url", None)  # a folder has its path alone
            place = url or (sources.base / (archive.path or "")).resolve().as_uri()
            if not _is_stub(archive, sources.base):
                refuse_unasked(package.name, place, request)
        if isinstance(archive, PackageVcs):
            yield _lock_repository(package, archive, request, sources)
        elif isinstance(archive, PackageWheel | PackageSdist | PackageArchive):
            if not _is_stub(archive, sources.base):
                yield _lock_archive(package, archive, request, sources)
        elif not request.leave_out_unhashed:
            raise EnvsyncError(
                f"pip requirement `{package.name}` can't be locked: it is a folder, "
                "which has no hash",
                hint="build a wheel of it and name that",
            )


def _is_stub(archive: _Archive | PackageVcs | PackageDirectory, base: Path) -> bool:
    path = archive.path
    return path is not None and (base / path).resolve().parent == base


def _lock_archive(
    package: Package, archive: _Archive, request: PipRequest, sources: Sources
) -> tuple[LockedPackage, Metadata]:
    url = archive.url or (sources.base / (archive.path or "")).resolve().as_uri()
    locked = LockedPackage(
        name=canonicalize_name(package.name),
        version=str(package.version) if package.version else "0",
        manager="pip",
        subdir=request.subdir,
        url=_localise(redact_url(url), request.lock_directory or request.directory),
        sha256=archive.hashes.get("sha256"),
    )
    is_direct = isinstance(archive, PackageArchive)
    return locked, _read_metadata(locked, url, sources.cache, is_direct=is_direct)


def _localise(url: str, directory: Path) -> str:
    """Return *url* as a lock in *directory* has it: by a relative path if it lies below."""
    root = f"{directory.resolve().as_uri()}/"
    return f"file:{url[len(root) :]}" if url.startswith(root) else url


def _read_metadata(
    locked: LockedPackage, url: str, cache: MetadataCache, *, is_direct: bool
) -> Metadata:
    if not is_wheel(url):
        return cache.find_source(locked.name, locked.version)
    if url.startswith("file:"):
        return read_wheel(Path(unquote(urlsplit(url).path)))
    return cache.find_wheel(locked, is_direct=is_direct)


def _lock_repository(
    package: Package, vcs: PackageVcs, request: PipRequest, sources: Sources
) -> tuple[LockedPackage, Metadata]:
    place = vcs.url or (sources.base / (vcs.path or "")).resolve().as_uri()
    subdirectory = f"#subdirectory={quote(vcs.subdirectory)}" if vcs.subdirectory else ""
    address = f"git+{place}@{vcs.commit_id}{subdirectory}"
    if not has_sound_subdirectory(address):
        raise EnvsyncError(
            f"pip requirement `{package.name}` can't be locked: its folder "
            f"{show(vcs.subdirectory or '')} leads out of `{redact_url(place)}`",
            hint="ask the author of what needs it, or leave that out",
        )
    pin = parse_repository(address)
    if vcs.type != "git" or pin is None or not pin.is_pinned:
        raise EnvsyncError(
            f"pip requirement `{package.name}` can't be locked: "
            f"`{redact_url(place)}` is no git repository",
            hint="build a wheel of it and name that",
        )
    locked = LockedPackage(
        name=canonicalize_name(package.name),
        version=str(package.version) if package.version else "0",
        manager="pip",
        subdir=request.subdir,
        url=str(pin),
        sha256=sources.repositories.hash(pin, sources.credentials),
    )
    pyproject = sources.repositories.read(pin, "pyproject.toml")
    found = sources.cache.find_commit(locked.name, locked.version, pin.revision, pyproject)
    return locked, found


def _complete(
    locked: LockedPackage, metadata: Metadata, dependencies: Iterable[tuple[str, str]]
) -> LockedPackage:
    needed = tuple(re.sub(r"\s+", "", text) for text in metadata.build_requires)
    return replace(locked, dependencies=tuple(dependencies), build_requires=needed)
