"""A `pixi.lock`, versions 6 and 7, read through rattler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from packaging.utils import canonicalize_name
from rattler.lock import LockFile
from rattler.lock.package import CondaLockedBinaryPackage, PypiLockedPackage

from envsync.adapters.rattler.failure import last_line
from envsync.adapters.rattler.record import from_record
from envsync.errors import DefinitionError, EnvsyncError, Finding
from envsync.lock.entry_faults import REPAIR, find_faults
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage, Lockfile
from envsync.model.repository import has_sound_subdirectory, parse_repository
from envsync.model.text.redaction import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rattler.lock import Environment

_REPOSITORY = re.compile(r"(?P<place>git\+[^?#]+)(?:\?(?P<query>[^#]*))?#(?P<commit>[0-9a-f]{40})")
_SUBDIRECTORY = re.compile(r"(?:^|&)subdirectory=([^&]+)")
_ARCHIVE = re.compile(r"\.(?:whl|tar\.gz|zip)$")
DEFAULT_ENVIRONMENT = "default"

_MOST_FINDINGS = 20


def load_pixi_lock(path: Path, *, environment: str = DEFAULT_ENVIRONMENT) -> Lockfile:
    """Return what the `pixi.lock` at *path* has for *environment*.

    Raises:
        DefinitionError: it can't be read, or has no such environment, or has a package that is
            neither an archive of conda's nor one of pip's with a hash.
    """
    try:
        lock = LockFile.from_path(path)
        chosen = lock.environment(environment)
        packages = tuple(_list_packages(chosen, path)) if chosen is not None else ()
    except (EnvsyncError, KeyboardInterrupt):
        raise
    except BaseException as error:
        message = f"Cannot read `{path}`: {shorten(last_line(error))}"
        raise DefinitionError(message, hint=REPAIR) from error
    if chosen is None:
        message = f"`{path}` has no environment `{environment}`"
        raise DefinitionError(message, hint="add it to the pixi workspace, and lock that again")
    _check(packages, path)
    subdirs = tuple(sorted({package.subdir for package in packages}))
    return Lockfile(
        subdirs=subdirs,
        channels=tuple(redact_url(str(channel)) for channel in chosen.channels()),
        sources=(),
        content_hash=(),
        packages=packages,
    )


def _check(packages: Iterable[LockedPackage], path: Path) -> None:
    findings = []
    for package in packages:
        faults = list(find_faults(package))
        if not (package.md5 or package.sha256):
            faults.append(("hash", "is missing"))
        findings += [
            Finding(
                file=str(path),
                key_path=shorten(package.name),
                message=f"{key} {fault}",
                hint=REPAIR,
            )
            for key, fault in faults
        ]
    if findings:
        raise DefinitionError.from_findings(findings[:_MOST_FINDINGS])


def _list_packages(environment: Environment, path: Path) -> Iterator[LockedPackage]:
    for platform, packages in environment.packages_by_platform().items():
        for package in packages:
            if isinstance(package, CondaLockedBinaryPackage):
                yield from_record(package.repo_data_record(), platform.name)
            elif isinstance(package, PypiLockedPackage) and (url := _find_url(package.location)):
                yield _from_pypi(package, url, platform.name)
            else:
                raise DefinitionError(
                    f"`{path}`: `{package.name}` is source code, which has no fixed bytes",
                    hint="build a package of it, and lock that",
                )


def _from_pypi(package: PypiLockedPackage, url: str, subdir: str) -> LockedPackage:
    hashes = package.hashes
    digest = hashes.sha256.hex() if hashes is not None and hashes.sha256 else None
    return LockedPackage(
        name=canonicalize_name(str(package.name)),
        version=str(package.version),
        manager="pip",
        subdir=subdir,
        url=url,
        sha256=digest,
    )


def _find_url(location: str) -> str | None:
    """Return the address of an archive, or of a repository at a commit, if *location* is one."""
    if location.startswith("./") and _ARCHIVE.search(location):
        return f"file:{quote(location.removeprefix('./'))}"
    match = _REPOSITORY.fullmatch(location)
    if match is not None:
        place = _SUBDIRECTORY.search(match["query"] or "")
        fragment = f"#subdirectory={place[1]}" if place else ""
        address = f"{match['place']}@{match['commit']}{fragment}"
        found = parse_repository(address)
        return str(found) if found is not None or has_sound_subdirectory(address) else address
    is_address = location.startswith(("https://", "http://", "file://"))
    return location if is_address else None
