"""A lock in the format of pixi, version 6, which pixi and rattler's other tools read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from envsync.model.channel import resolve_channel
from envsync.model.repository import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.model.lockfile import LockedPackage, Lockfile


def dump_pixi(lockfile: Lockfile) -> str:
    """Return *lockfile* as a `pixi.lock` with one environment, `default`."""
    return "\n".join((*_dump_environment(lockfile), *_dump_packages(lockfile), ""))


def _dump_environment(lockfile: Lockfile) -> Iterator[str]:
    yield from ("version: 6", "environments:", "  default:", "    channels:")
    subdir = next(iter(lockfile.subdirs), "linux-64")
    urls = [url for name in lockfile.channels for url in resolve_channel(name, subdir).urls]
    yield from (f"    - url: {_quote(f'{url}/')}" for url in dict.fromkeys(urls))
    yield "    packages:"
    for each in lockfile.subdirs:
        yield f"      {each}:"
        for package in _sort(lockfile.packages_for(each)):
            yield f"      - {_kind(package)}: {_quote(_place(package))}"


def _dump_packages(lockfile: Lockfile) -> Iterator[str]:
    yield "packages:"
    seen: set[str] = set()
    for package in _sort(lockfile.packages):
        if package.url not in seen:
            seen.add(package.url)
            yield from _dump_package(package)


def _dump_package(package: LockedPackage) -> Iterator[str]:
    yield f"- {_kind(package)}: {_quote(_place(package))}"
    if package.manager == "pip":
        yield f"  name: {_quote(package.name)}"
        yield f"  version: {_quote(package.version)}"
    if package.sha256:
        yield f"  sha256: {_quote(package.sha256)}"  # one of digits alone is no number
    if package.md5:
        yield f"  md5: {_quote(package.md5)}"
    if package.manager == "pip" and package.dependencies:
        yield "  requires_dist:"
        for name, requirement in package.dependencies:
            yield f"  - {_quote(name if requirement == '*' else f'{name}{requirement}')}"
    if package.manager == "conda" and package.dependencies:
        yield "  depends:"
        for name, requirement in package.dependencies:
            yield f"  - {_quote(f'{name} {requirement}'.strip())}"


def _place(package: LockedPackage) -> str:
    """Return where *package* is, as pixi writes it: repositories, and paths from the lock on."""
    repository = parse_repository(package.url)
    if repository is not None:
        place = f"subdirectory={quote(repository.subdirectory)}&" if repository.subdirectory else ""
        commit = repository.revision
        return f"git+{repository.url}?{place}rev={commit}#{commit}"
    if package.url.startswith("file:") and not package.url.startswith("file:/"):
        return f"./{unquote(package.url.removeprefix('file:'))}"
    return package.url


def _sort(packages: tuple[LockedPackage, ...]) -> list[LockedPackage]:
    return sorted(packages, key=lambda package: (package.manager, package.name, package.url))


def _kind(package: LockedPackage) -> str:
    return "conda" if package.manager == "conda" else "pypi"


def _quote(text: str) -> str:
    """Return *text* as a YAML scalar that no reader takes for anything but text."""
    return json.dumps(text, ensure_ascii=False)
