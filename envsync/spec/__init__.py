"""Definitions, from each source format and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.spec.azureml_v1 import JSON_NAME, load_directory
from envsync.spec.loaded import Loaded

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec

__all__ = ["Loaded", "load", "save"]


def load(path: Path) -> Loaded:
    """Return the definition at *path*.

    That is a v1 directory, the JSON file in one, or a run configuration.

    Findings name the files as *path* does.

    Raises:
        DefinitionError: there is none, or it is wrong; the error holds every finding.
    """
    if path.name == JSON_NAME and path.is_file():
        return load_directory(path.parent)
    if path.is_file():
        from envsync.spec.runconfig import is_runconfig, load_runconfig  # noqa: PLC0415  # rare

        if is_runconfig(path):
            return load_runconfig(path)
        raise DefinitionError(
            f"`{path}` is no definition", hint=f"give the directory with `{JSON_NAME}`"
        )
    return load_directory(path)


def save(spec: EnvironmentSpec, directory: Path, *, overwrite: bool) -> None:
    """Write *spec* to *directory* as the Azure ML SDK v1 would, whole or not at all.

    Raises:
        DefinitionError: *directory* is there, and *overwrite* is false.
        EnvsyncError: it can't be written to.
    """
    from envsync.spec.directory import save_directory  # noqa: PLC0415  # most commands only load

    save_directory(spec, directory, overwrite=overwrite)
