"""Checking that an environment can run on a base image, without running anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.remedy import Option, advise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.image.base.base import BaseSource
    from envsync.image.store.layer_cache import LayerCache
    from envsync.model.image import BaseImage
    from envsync.model.lockfile import LockedPackage

# The text that glibc has in its library.
_RELEASE = re.compile(rb"GNU C Library [^\n]*? release version (\d+\.\d+)")
_LOWER_BOUND = re.compile(r">=?\s*(\d+\.\d+)|^=*(\d+\.\d+)")
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
_OLD_MANYLINUX = {"manylinux1_": "2.5", "manylinux2010_": "2.12", "manylinux2014_": "2.17"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "powerpc64le"}
_NONE = "none"


def check_base(
    image: BaseImage, source: BaseSource, *, needed: str | None, cache: LayerCache
) -> None:
    """Refuse a base image with an older glibc than *needed*, or with none.

    The glibc of a base image is kept in *cache*.
    """
    if needed is None:
        return
    found = _find_glibc(image, source, cache)
    if found is None:
        raise EnvsyncError(
            f"Base image `{image.name}` has no glibc, and the packages need {needed}",
            hint=advise(
                "choose one with glibc, such as Debian's or Ubuntu's, with ", Option("base")
            ),
        )
    if _numbers(found) < _numbers(needed):
        raise EnvsyncError(
            f"Base image `{image.name}` has glibc {found}, and the lock assumes {needed}",
            hint=advise(
                "choose a newer base image with ", Option("base"), f", or lock for glibc {found}"
            ),
        )


def find_needed_glibc(packages: Iterable[LockedPackage]) -> str | None:
    """Return the oldest glibc that *packages* all run with, None if none of them names one."""
    needed = [version for package in packages for version in _list_needed(package)]
    return max(needed, key=_numbers, default=None)


def find_release(library: bytes) -> str | None:
    """Return the version of glibc from *library*, a `libc.so.6`."""
    match = _RELEASE.search(library)
    return match[1].decode() if match else None


def _find_glibc(image: BaseImage, source: BaseSource, cache: LayerCache) -> str | None:
    if not image.layers:
        return None
    name = image.id.removeprefix("sha256:")
    known = cache.bases.read(name)
    if known is None:
        library = source.read_file(image, _list_places(image.architecture), cache.blobs)
        known = (find_release(library) if library else None) or _NONE
        cache.bases.write(name, known)
    return None if known == _NONE else str(known)


def _list_places(architecture: str) -> list[str]:
    machine = _MACHINES.get(architecture, architecture)
    folders = (f"lib/{machine}-linux-gnu", "lib64", "lib")
    return [f"/{usr}{folder}/libc.so.6" for folder in folders for usr in ("", "usr/")]


def _list_needed(package: LockedPackage) -> list[str]:
    if package.manager == "conda":
        requirement = dict(package.dependencies).get("__glibc", "")
        return [first or second for first, second in _LOWER_BOUND.findall(requirement)]
    file_name = package.url.rpartition("/")[2]
    tags = [f"{major}.{minor}" for major, minor in _MANYLINUX.findall(file_name)]
    tags += [version for tag, version in _OLD_MANYLINUX.items() if tag in file_name]
    return [min(tags, key=_numbers)] if tags else []  # the oldest that the wheel supports


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
