"""Write a definition as the Azure ML SDK v1 keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync import spec

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding


def save_to_directory(source: Path, directory: Path, *, overwrite: bool) -> tuple[Finding, ...]:
    """Write the definition at *source* to *directory*; return what its author should know.

    Raises:
        DefinitionError: *source* is wrong, or *directory* is there and *overwrite* is false.
    """
    loaded = spec.load(source)
    spec.save(loaded.spec, directory, overwrite=overwrite)
    return loaded.warnings
