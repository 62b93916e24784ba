"""What puts locked packages on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter


class CondaInstaller(Protocol):
    """Puts conda packages into an empty folder."""

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

        Returns the links among them that lead out of the prefix. Nothing else does.
        """


class PipInstaller(Protocol):
    """Puts pip packages beside an interpreter."""

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages*, each held against its sha256, and nothing else."""
