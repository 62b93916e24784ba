"""The story of `envsync check --online`: whether the base image's tag is where it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.lock.base_image import find_base, parse_base
from envsync.model.image import parse_reference
from envsync.workflow.lock.base.digest import DigestFinder
from envsync.workflow.lock.base.image import find_reference, name_for_update

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from envsync.lock.base_image import LockedBase
    from envsync.workflow.lock.base.digest import FoundDigest
    from envsync.workflow.lock.check import CheckOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseQuestion:
    """A base image that a registry was asked for, as the lock at *path* has it."""

    base: LockedBase
    path: Path
    directory: Path
    future: Future[FoundDigest] | None

    @property
    def _command(self) -> str:
        return f"envsync lock {self.directory} --update {name_for_update(self.base)}"

    def settle(self) -> LockedBase:
        """Return the base image if it is where it was; this waits for the registry.

        Raises:
            EnvsyncError: it has moved, the lock has no digest of it, or it can't be asked for.
        """
        if self.future is None:
            raise EnvsyncError(
                f"`{self.path}` has no digest of the base image `{self.base.name}`",
                hint=f"run `{self._command}`",
            )
        now = self.future.result().digest
        if now != self.base.digest:
            raise EnvsyncError(
                f"`{self.path}`: base image `{self.base.name}` has moved: "
                f"`{self.base.digest}` → `{now}`",
                hint=f"run `{self._command}` to take the new one; until then images stand on the "
                "old one",
            )
        return self.base


def ask_registries(environ: Mapping[str, str]) -> DigestFinder:
    """Return what asks registries alone, as `ENVSYNC_REGISTRY_TIMEOUT` in *environ* says."""
    return DigestFinder(environ, asks_engine=False)


def ask_about_base(outcome: CheckOutcome, digests: DigestFinder) -> BaseQuestion | None:
    """Ask *digests* for the base image of *outcome*, without waiting for the answer.

    None stands for no base image, and for another than that of the lock, which is stale then.

    Raises:
        DefinitionError: what the lock has is no image reference.
    """
    asked, locked = find_base(outcome.spec), parse_base(outcome.lockfile.custom_metadata)
    directory = outcome.spec.directory
    if locked is None or locked.digest is None:
        if find_reference(asked) is None:
            return None
        return BaseQuestion(base=asked, path=outcome.path, directory=directory, future=None)
    if not locked.answers(asked):
        return None
    reference = parse_reference(locked.name)
    if asked.digest is not None:  # nothing that could move, and yet it may be gone
        reference = replace(reference, tag=None, digest=asked.digest)
    return BaseQuestion(
        base=locked,
        path=outcome.path,
        directory=directory,
        future=digests.start(reference, outcome.spec.registry),
    )
