"""What the two solvers are asked, and the shape of what answers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from envsync.model.progress import SilentReporter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from envsync.errors import EnvsyncError
    from envsync.model.channel import Channel
    from envsync.model.lockfile import LockedPackage
    from envsync.model.pip_section import PipRequirement
    from envsync.model.progress import Reporter
    from envsync.model.repository import Repository
    from envsync.model.virtual_package import VirtualPackage


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaRequest:
    """One solve for one *subdir*; *channels* come in order of priority, highest first.

    Of what still fits, *preferred* packages are taken before newer ones. With *exclude_newer*
    nothing counts that was published later. A long wait is told to *reporter*.
    """

    subdir: str
    channels: tuple[Channel, ...]
    match_specs: tuple[str, ...]
    virtual_packages: tuple[VirtualPackage, ...]
    preferred: tuple[LockedPackage, ...] = ()
    exclude_newer: datetime | None = None
    reporter: Reporter = field(default_factory=SilentReporter, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonDistribution:
    """A Python package by its PyPI name (normalized) and PEP 440 version.

    *package* is conda's name for it, where that is another.
    """

    name: str
    version: str
    package: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipRequest:
    """One pip solve on top of a conda solution.

    *provided* is what conda brings, which pip may use but not move. *glibc* is the C library of
    a Linux subdir, such as `2.28`. Relative paths in *requirements* and *options* start at
    *directory*; the lock is to lie in *lock_directory*, if that is another. *parsed* has the
    requirements, those of the files that *options* name included, taken apart, *constraints* what
    only constrains them, and *file_options* the other options there. With *requires_hashes*
    whatever has no hash in *parsed* is an error. So is what can have none (a folder), unless it is
    to be left out of the answer with *leave_out_unhashed*. Unless it *allows_builds*, whatever only
    running it can tell of is an error, too. What the user should know is told to
    *reporter*.
    """

    subdir: str
    python_version: str
    glibc: str | None
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    provided: tuple[PythonDistribution, ...]
    directory: Path
    preferred: tuple[LockedPackage, ...] = ()
    exclude_newer: datetime | None = None
    leave_out_unhashed: bool = False
    allows_builds: bool = True
    parsed: tuple[PipRequirement, ...] = ()
    constraints: tuple[PipRequirement, ...] = ()
    file_options: tuple[str, ...] = ()
    requires_hashes: bool = False
    lock_directory: Path | None = None
    reporter: Reporter = field(default_factory=SilentReporter, compare=False, repr=False)


class CondaSolver(Protocol):
    """Answers conda requests."""

    def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name.

        Raises:
            UnsatisfiableError: no set of packages answers; it holds the solver's reasons.
            EnvsyncError: a channel can't be reached or read.
        """

    def list_names(self, request: CondaRequest) -> frozenset[str]:
        """Return the names of all packages for *request*, none where they can't be had."""

    def detect_virtual_packages(self) -> tuple[VirtualPackage, ...]:
        """Return this machine's facts, sorted by name."""


class PipSolver(Protocol):
    """Answers pip requests."""

    def solve(self, request: PipRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name, without what conda provides.

        Raises:
            UnsatisfiableError: no set of packages answers; it holds the solver's reasons.
            EnvsyncError: an index can't be reached or read.
        """


class RepositoryStore(Protocol):
    """Has git repositories at hand; credentials are userinfo by a repository's URL."""

    def provide(
        self, pin: Repository, credentials: Mapping[str, str], *, sha256: str | None = None
    ) -> Path:
        """Return a bare repository that has the commit of *pin*, whose content has the *sha256*.

        Raises:
            EnvsyncError: it can't be fetched, or its content is not what was locked.
        """

    def hash(self, pin: Repository, credentials: Mapping[str, str]) -> str:
        """Return the sha256 of the content of *pin*."""

    def read(self, pin: Repository, name: str) -> str | None:
        """Return the text file *name* beside the package of *pin*, None where there is none."""

    def find_fault(self, wanted: Repository, credentials: Mapping[str, str]) -> EnvsyncError | None:
        """Return why *wanted* can't be had, None where it can."""
