"""Interfaces of what installs locked packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter


class CondaInstaller(Protocol):
    """Installs conda packages into an empty folder."""

    def install(
        self,
        packages: Sequence[LockedPackage],
        *,
        target: Path,
        prefix: Path,
        requested: Sequence[str],
        reporter: Reporter,
    ) -> tuple[str, ...]:
        """Link *packages* into *target*, writing *prefix* as their path.

        Return the links among their files that lead out of the prefix.
        """


class PipInstaller(Protocol):
    """Installs pip packages for an interpreter."""

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages* and nothing else, checking each one's sha256."""
