"""Which subdirs a definition is locked for, and what is assumed of their machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.subdir import KNOWN_SUBDIRS, current_subdir, find_subdir
from envsync.model.virtual_package import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.environment import EnvironmentSpec
    from envsync.model.virtual_package import VirtualPackage
    from envsync.solve.request import CondaSolver


def choose_subdirs(spec: EnvironmentSpec, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the subdirs to lock *spec* for, sorted: those *asked* for, else the usual ones.

    The usual ones are the definition's Docker platform and this machine.

    Raises:
        DefinitionError: one asked for is not a subdir that envsync knows.
    """
    for subdir in asked:
        if subdir not in KNOWN_SUBDIRS:
            raise DefinitionError(
                f"`{subdir}` is not a subdir that envsync locks for",
                hint=f"choose from {', '.join(f'`{known}`' for known in KNOWN_SUBDIRS)}",
            )
    if asked:
        return tuple(sorted(set(asked)))
    usual = (find_subdir(spec.platform.os, spec.platform.architecture), current_subdir())
    return tuple(sorted({subdir for subdir in usual if subdir is not None}))


def assume_virtual_packages(subdir: str, solver: CondaSolver) -> tuple[VirtualPackage, ...]:
    """Return this machine's facts for its own *subdir*, conda-lock's defaults for another."""
    if subdir == current_subdir():
        return solver.detect_virtual_packages()
    return DEFAULTS[subdir]


def find_glibc(facts: Sequence[VirtualPackage]) -> str | None:
    """Return the version of the C library among *facts*, such as `2.28`."""
    return next((fact.version for fact in facts if fact.name == "__glibc"), None)
