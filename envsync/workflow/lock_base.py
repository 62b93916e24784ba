"""What a lock says of the base image: kept, or asked for while the packages are solved."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.lock.base_image import BASE_IMAGE_KEY, LockedBase, dump_base, find_base, parse_base
from envsync.lock.requested import MATCH_SPECS_KEY, PIP_KEY
from envsync.model.image import SCRATCH, parse_reference
from envsync.workflow.image_name import looks_like_path

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import ImageReference
    from envsync.model.lockfile import Lockfile
    from envsync.workflow.base_digest import DigestFinder, FoundDigest
    from envsync.workflow.lock_options import LockOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseOutcome:
    """The base image for the lock, and *notes* on what became of it."""

    base: LockedBase
    notes: tuple[str, ...] = ()

    def put_into(self, metadata: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Return a lock's custom *metadata* with this base image, where a solve would put it."""
        others = tuple(entry for entry in metadata if entry[0] != BASE_IMAGE_KEY)
        place = sum(key in (MATCH_SPECS_KEY, PIP_KEY) for key, _ in others)
        return (*others[:place], dump_base(self.base), *others[place:])


class BasePlan:
    """What a lock is to do about the base image of *spec*, for which *before* has one or not.

    Making it asks nobody.
    """

    def __init__(
        self, spec: EnvironmentSpec, before: Lockfile | None, options: LockOptions
    ) -> None:
        self._asked = find_base(spec)
        self._registry = spec.registry
        self._directory = spec.directory
        self._before = parse_base(before.custom_metadata) if before is not None else None
        names = {*_list_names(str(self._asked)), *_list_names((spec.base_image or "").strip())}
        self._started: Future[FoundDigest] | None = None
        self.is_update = bool(names & set(options.update))
        self.is_upgrade = self.is_update or options.upgrade
        self.other_updates = tuple(name for name in options.update if name not in names)

    def describe_kept(self) -> tuple[str, ...]:
        """Return what there is to say where a lock stays as it is."""
        if find_reference(self._asked) is None or (
            self._before is not None and self._before.digest
        ):
            return ()
        return (describe_open(self._asked, self._directory),)

    def start(self, digests: DigestFinder) -> None:
        """Ask *digests* for what is needed, without waiting for it.

        Raises:
            DefinitionError: the settings of *digests* are wrong.
        """
        reference = find_reference(self._asked)
        if reference is not None and (self.is_upgrade or self._find_kept() is None):
            self._started = digests.start(reference, self._registry)

    def finish(self) -> BaseOutcome:
        """Return what there is to be in the lock.

        A digest that can't be had is no failure, unless it was asked for by name.

        Raises:
            EnvsyncError: the image was to be updated, and can't be asked for.
        """
        kept = self._find_kept()
        if self._started is None:
            return BaseOutcome(base=kept or self._asked)
        try:
            found = self._started.result()
        except EnvsyncError as error:
            if self.is_update:
                raise
            if kept is not None:
                note = f"Base image `{kept.name}` stays at `{kept.digest}`: {error.message}"
                return BaseOutcome(base=kept, notes=(note,))
            note = describe_open(self._asked, self._directory, error)
            return BaseOutcome(base=self._asked, notes=(note,))
        base = self._asked.with_digest(found.digest)
        return BaseOutcome(base=base, notes=_describe_found(kept, base, found.failure))

    def _find_kept(self) -> LockedBase | None:
        """Return what the earlier lock has for the image, with its digest."""
        before = self._before
        return before if before and before.digest and before.answers(self._asked) else None


def find_reference(base: LockedBase) -> ImageReference | None:
    """Return what to ask for the digest of *base*, None where there is nothing to ask for."""
    if not base.name or base.digest or base.name == SCRATCH or looks_like_path(base.name):
        return None
    with contextlib.suppress(DefinitionError):
        return parse_reference(base.name)
    return None


def describe_open(base: LockedBase, directory: Path, error: EnvsyncError | None = None) -> str:
    """Say that the lock in *directory* has no digest of *base*, and what adds it."""
    reason = f" ({error.message})" if error is not None else ""
    return (
        f"The lock has no digest of the base image `{base.name}`{reason}; "
        f"`envsync lock {directory} --update {base.name}` adds it"
    )


def _list_names(name: str) -> set[str]:
    """Return what the image *name* may be called in `--update`: with and without its tag."""
    head, slash, tail = name.partition("@")[0].rpartition("/")
    return {name, f"{head}{slash}{tail}", f"{head}{slash}{tail.partition(':')[0]}"} - {""}


def _describe_found(
    before: LockedBase | None, base: LockedBase, failure: EnvsyncError | None
) -> tuple[str, ...]:
    by = f", as the Docker Engine has it ({failure.message})" if failure is not None else ""
    if before is None:
        return (f"Base image `{base.name}`: `{base.digest}`{by}",)
    if before.digest != base.digest:
        return (f"Base image `{base.name}`: `{before.digest}` → `{base.digest}`{by}",)
    return ()
