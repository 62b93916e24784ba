"""A lockfile: the exact packages that satisfy a definition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Manager = Literal["conda", "pip"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackage:
    """One archive, with the hashes to check before use.

    *dependencies* maps names to version requirements, sorted by name. *md5* and *sha256* are
    lower-case hexadecimal. *build* is the conda build string, empty for pip packages.

    A pip package may be a git repository (`git+https://…@COMMIT`), whose *sha256* is the hash of
    its content, or a file beside the lock (`file:wheels/x.whl`). *build_requires* and *purls* are
    known only while locking: the build dependencies of source code, and the names of a conda
    package elsewhere (`pkg:pypi/torch@2.1`), None if its channel does not list them.
    """

    name: str
    version: str
    manager: Manager
    subdir: str
    url: str
    md5: str | None = None
    sha256: str | None = None
    build: str = ""
    dependencies: tuple[tuple[str, str], ...] = ()
    build_requires: tuple[str, ...] = ()
    purls: tuple[str, ...] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lockfile:
    """The content of a `conda-lock.yml` (CEP 37).

    *content_hash* has one entry per subdir. *custom_metadata* has the values that CEP 37
    has no key for, under keys that start with `envsync.`.
    """

    subdirs: tuple[str, ...]
    channels: tuple[str, ...]
    sources: tuple[str, ...]
    content_hash: tuple[tuple[str, str], ...]
    custom_metadata: tuple[tuple[str, str], ...] = ()
    packages: tuple[LockedPackage, ...] = ()

    def packages_for(self, subdir: str) -> tuple[LockedPackage, ...]:
        """Return the packages locked for *subdir*, in the order of the file."""
        return tuple(package for package in self.packages if package.subdir == subdir)
