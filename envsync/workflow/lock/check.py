"""The story of `envsync check`: no network, and nothing of the engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition import load
from envsync.lock.consistency import find_inconsistencies
from envsync.lock.freshness import find_staleness
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile
from envsync.solve.subdirs import choose_subdirs
from envsync.workflow.lock.pip.lines import list_pip_lines

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.lock.freshness import Staleness
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.lockfile import Lockfile


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOutcome:
    """A definition and its lock, and how the lock fails to answer it (nothing: it is fresh).

    *inconsistencies* are sentences about what is wrong within the lock itself.
    """

    path: Path
    spec: EnvironmentSpec
    lockfile: Lockfile
    staleness: tuple[Staleness, ...]
    inconsistencies: tuple[str, ...]
    warnings: tuple[Finding, ...]


def check(directory: Path) -> CheckOutcome:
    """Hold the lock in *directory* against the definition there.

    Raises:
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: there is no lock, or a file can't be read.
    """
    loaded = load(directory)
    return check_spec(loaded.spec, loaded.spec.directory / LOCKFILE_NAME, loaded.warnings)


def check_spec(
    spec: EnvironmentSpec, path: Path, warnings: tuple[Finding, ...] = ()
) -> CheckOutcome:
    """Hold the lock at *path* against *spec*, which may never have been saved.

    Raises:
        DefinitionError: the lock or a requirements file is wrong.
        EnvsyncError: there is no lock, or a file can't be read.
    """
    lockfile = load_lockfile(path)
    return CheckOutcome(
        path=path,
        spec=spec,
        lockfile=lockfile,
        staleness=find_staleness(
            spec, lockfile, choose_subdirs(spec), pip_lines=list_pip_lines(spec)
        ),
        inconsistencies=find_inconsistencies(lockfile),
        warnings=warnings,
    )
