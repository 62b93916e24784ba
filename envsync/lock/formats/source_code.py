"""pip packages that are locked as source code: built, by running it, wherever they go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError, Finding
from envsync.lock.formats.pylock import is_wheel
from envsync.model.channel import redact_url
from envsync.model.repository import parse_repository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from envsync.model.lockfile import LockedPackage

BUILD_KEY = "envsync.build-requires"


def dump_build_requires(packages: Iterable[LockedPackage]) -> tuple[tuple[str, str], ...]:
    """Return what building needs, by package, as entries of a lock's custom metadata.

    It is noted for the reader and not locked: a backend is chosen anew at each build.
    """
    needed = {
        package.name: list(package.build_requires) for package in packages if package.build_requires
    }
    return ((BUILD_KEY, json.dumps(needed, sort_keys=True)),) if needed else ()


def find_builds(packages: Iterable[LockedPackage], *, file: str) -> tuple[Finding, ...]:
    """Return a warning for each package that is built where it is installed; *file* is the lock."""
    built = {
        package.name: package
        for package in packages
        if package.manager == "pip" and not is_wheel(package.url)
    }
    return tuple(
        Finding(
            file=file,
            message=f"{package} is source code, which is run to build it "
            f"wherever it is installed{_say_needs(package)}",
            hint="ask for a version that has a wheel, or lock a wheel that you built, "
            "if that matters",
        )
        for _, package in sorted(built.items())
    )


def refuse_builds(packages: Iterable[LockedPackage], *, file: str) -> None:
    """Refuse the lock *file* if one of its *packages* is source code.

    Raises:
        EnvsyncError: one is.
    """
    for package in packages:
        if package.manager == "pip" and not is_wheel(package.url):
            raise EnvsyncError(
                f"`{file}`: {package} is source code, which is run to build it: "
                f"`{redact_url(package.url)}`",
                hint="ask for a version that has a wheel, or lock a wheel that you built; "
                "without `--no-build` it is built",
            )


def drop_moved(
    packages: Iterable[LockedPackage], then: Collection[str], now: Collection[str]
) -> Iterator[LockedPackage]:
    """Yield those of *packages* that are no repository of which something else is asked *now*.

    *then* are the pip lines that they answered.
    """
    fresh = [line for line in now if line not in then]
    for package in packages:
        repository = parse_repository(package.url)
        if repository is None or not any(repository.url in line for line in fresh):
            yield package


def _say_needs(package: LockedPackage) -> str:
    needs = ", ".join(f"`{each}`" for each in package.build_requires)
    return f" (with {needs})" if needs else ""
