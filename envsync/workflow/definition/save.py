"""Write a definition as the Azure ML SDK v1 keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envsync import definition as definitions
from envsync.lock.base_image import parse_base
from envsync.lock.requested import parse_requested
from envsync.model.subdir import current_subdir
from envsync.workflow.lock.files import is_lock_file, load_sound_lock

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition import Loaded
    from envsync.definition.formats import SourceFormat
    from envsync.errors import Finding

_INDEX_OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "-i ", "-f ", "--pre")


def save_to_directory(
    source: Path,
    directory: Path,
    *,
    overwrite: bool,
    source_format: SourceFormat | None = None,
    image: str | None = None,
) -> tuple[Finding, ...]:
    """Write the definition at *source* to *directory*; return what its author should know.

    *source* may also be a lockfile: the definition then asks for exactly what is locked. *image*
    takes the place of the base image that *source* names.

    Raises:
        DefinitionError: *source* is wrong, or *directory* is there and *overwrite* is false.
    """
    from envsync.definition.losses import find_left_behind, find_losses
    from envsync.definition.targets import hold_in_v1, with_image

    loaded = _load(source, source_format)
    spec = with_image(loaded.spec, image)
    held = hold_in_v1(spec)
    losses = find_losses(spec, held, target="a v1 directory")
    definitions.save(held, directory, overwrite=overwrite)
    return (*loaded.warnings, *losses, *find_left_behind(spec, directory))


def _load(source: Path, source_format: SourceFormat | None) -> Loaded:
    if source_format is not None or not is_lock_file(source):
        return definitions.load(source, source_format=source_format)
    from envsync.definition.locked import define_from_lock

    lockfile = load_sound_lock(source)
    requested = parse_requested(lockfile.channels, lockfile.custom_metadata)
    lines = requested.pip if requested is not None else ()
    loaded = define_from_lock(
        lockfile,
        source,
        subdir=current_subdir(),
        pip_options=[line for line in lines if line.startswith(_INDEX_OPTIONS)],
    )
    base = parse_base(lockfile.custom_metadata)
    if base is None or not base.name:
        return loaded
    return replace(loaded, spec=replace(loaded.spec, base_image=str(base)))
