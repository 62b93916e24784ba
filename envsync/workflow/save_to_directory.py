"""Write a definition as the Azure ML SDK v1 keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync import spec as definitions

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.spec.formats import SourceFormat


def save_to_directory(
    source: Path,
    directory: Path,
    *,
    overwrite: bool,
    source_format: SourceFormat | None = None,
    image: str | None = None,
) -> tuple[Finding, ...]:
    """Write the definition at *source* to *directory*; return what its author should know.

    *image* takes the place of the base image that *source* names.

    Raises:
        DefinitionError: *source* is wrong, or *directory* is there and *overwrite* is false.
    """
    from envsync.spec.losses import find_left_behind, find_losses
    from envsync.spec.targets import hold_in_v1, with_image

    loaded = definitions.load(source, source_format=source_format)
    spec = with_image(loaded.spec, image)
    held = hold_in_v1(spec)
    losses = find_losses(spec, held, target="a v1 directory")
    definitions.save(held, directory, overwrite=overwrite)
    return (*loaded.warnings, *losses, *find_left_behind(spec, directory))
