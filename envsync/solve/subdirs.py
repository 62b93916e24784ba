"""Which subdirs a definition is locked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.subdir import KNOWN_SUBDIRS, current_subdir, find_subdir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.environment import EnvironmentSpec


def choose_subdirs(
    spec: EnvironmentSpec, asked: Sequence[str] = (), *, locked: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the subdirs to lock *spec* for, sorted: those *asked* for, else the usual ones.

    The usual ones are the definition's Docker platform, this machine, and what is *locked*
    already.

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
    usual = (find_subdir(spec.platform.os, spec.platform.architecture), current_subdir(), *locked)
    return tuple(sorted({subdir for subdir in usual if subdir in KNOWN_SUBDIRS}))
