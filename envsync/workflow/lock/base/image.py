"""What a lock says of the base image: kept, or asked for while the packages are solved."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.lock.base_image import BASE_IMAGE_KEY, LockedBase, dump_base, find_base, parse_base
from envsync.lock.requested import MATCH_SPECS_KEY, PIP_KEY
from envsync.model.image import looks_like_path
from envsync.workflow.lock.base.name import check_image_name

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import ImageReference
    from envsync.model.lockfile import Lockfile
    from envsync.workflow.lock.base.digest import DigestFinder, FoundDigest
    from envsync.workflow.lock.options import LockOptions

_NO_DIGEST = "The lock has no digest of the base image"


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

    Raises:
        DefinitionError: no image can have the name that *spec* has for it.
    """

    def __init__(
        self, spec: EnvironmentSpec, before: Lockfile | None, options: LockOptions
    ) -> None:
        self._asked = find_base(spec)
        if self._asked.name:
            check_image_name(spec.base_image_name)
        self._registry = spec.registry
        self._directory = spec.directory
        self._before = parse_base(before.custom_metadata) if before is not None else None
        names = {*_list_names(str(self._asked)), *_list_names((spec.base_image or "").strip())}
        self._started: Future[FoundDigest] | None = None
        self.is_update = bool(names & set(options.update))
        self.is_upgrade = self.is_update or options.upgrade
        self.other_updates = tuple(name for name in options.update if not _is_of_image(name))
        self._unknown = tuple(
            name for name in options.update if _is_of_image(name) and name not in names
        )

    def describe_kept(self) -> tuple[str, ...]:
        """Return what there is to say where a lock stays as it is."""
        return self._describe_unknown()

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
        base, note = self._decide()
        notes = (*self._describe_unknown(), *((note,) if note else ()))
        return BaseOutcome(base=base, notes=notes)

    def _decide(self) -> tuple[LockedBase, str]:
        """Return what there is to be in the lock, and what there is to say of it."""
        kept = self._find_kept()
        if self._started is None:
            return kept or self._asked, ""
        try:
            found = self._started.result()
        except EnvsyncError as error:
            if self.is_update:
                raise
            if kept is None:
                return self._asked, f"{_NO_DIGEST}: {error.message}"
            return kept, f"Base image `{kept.name}` stays at `{kept.digest}`: {error.message}"
        base = self._asked.with_digest(found.digest)
        return base, _describe_found(kept, base, found.failure)

    def _describe_unknown(self) -> tuple[str, ...]:
        """Say what was to be updated, looks like an image and is not the definition's."""
        own = f"is `{self._asked}`" if self._asked.name else "has none"
        return tuple(
            f"`{name}` is not updated: the base image of `{self._directory}` {own}"
            for name in self._unknown
        )

    def _find_kept(self) -> LockedBase | None:
        """Return what the earlier lock has for the image, with its digest."""
        before = self._before
        return before if before and before.digest and before.answers(self._asked) else None


def find_reference(base: LockedBase) -> ImageReference | None:
    """Return what to ask for the digest of *base*, None where there is nothing to ask for."""
    if not base.name or base.digest:
        return None
    from envsync.model.image import SCRATCH, parse_reference

    if base.name == SCRATCH or looks_like_path(base.name):
        return None
    with contextlib.suppress(DefinitionError):
        return parse_reference(base.name)
    return None


def describe_open(base: LockedBase, directory: Path) -> str:
    """Say that the lock in *directory* has no digest of *base*, and what adds it."""
    return f"{_NO_DIGEST}; `envsync lock {directory} --update {name_for_update(base)}` adds it"


def name_for_update(base: LockedBase) -> str:
    """Return what `--update` calls *base*: a name that no package can have."""
    return base.name if _is_of_image(base.name) else f"{base.name}:latest"


def _list_names(name: str) -> set[str]:
    """Return what the image *name* may be called in `--update`: with and without its tag."""
    head, slash, tail = name.partition("@")[0].rpartition("/")
    plain = f"{head}{slash}{tail.partition(':')[0]}"
    tagged = f"{head}{slash}{tail}" if ":" in tail else f"{plain}:latest"
    return {it for it in (name, plain, tagged) if _is_of_image(it)}


def _is_of_image(name: str) -> bool:
    """Say whether *name* can't be a package's, as that of the image `python` may be."""
    return "/" in name or ":" in name


def _describe_found(
    before: LockedBase | None, base: LockedBase, failure: EnvsyncError | None
) -> str:
    if before is not None and before.digest == base.digest:
        return ""
    moved = f"`{before.digest}` → " if before is not None else ""
    by = f", as the Docker Engine has it ({failure.message})" if failure is not None else ""
    return f"Base image `{base.name}`: {moved}`{base.digest}`{by}"
