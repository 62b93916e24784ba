"""Definitions, from each source format and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.definition.azureml.v1 import JSON_NAME, load_directory
from envsync.definition.reading.loaded import Loaded
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.formats import SourceFormat
    from envsync.model.environment import EnvironmentSpec

__all__ = ["Loaded", "load", "save"]


def load(path: Path, *, source_format: SourceFormat | None = None) -> Loaded:
    """Return the definition at *path*, in *source_format* or, for None, in what it looks like.

    That is a v1 directory, the JSON file in one, or a run configuration; a v2 environment file;
    the folder of an MLflow model; a conda environment file; or a conda prefix. For a folder with
    one environment file that file is taken.

    Findings name the files as *path* does.

    Raises:
        DefinitionError: there is none, or it is wrong; the error holds every finding.
    """
    if path.name == JSON_NAME and path.is_file():
        path = path.parent
    is_v1 = source_format == "azureml"
    if path.is_file():
        from envsync.definition.azureml.runconfig import is_runconfig, load_runconfig  # noqa: PLC0415  # rare

        if is_runconfig(path) and source_format in {None, "azureml"}:
            return load_runconfig(path)
        if is_v1:
            raise DefinitionError(
                f"`{path}` is no definition", hint=f"give the directory with `{JSON_NAME}`"
            )
    elif is_v1 or (source_format is None and ((path / JSON_NAME).exists() or not path.exists())):
        return load_directory(path)
    from envsync.definition.sources import load_source  # noqa: PLC0415  # a v1 directory needs none of it

    return load_source(path, source_format)


def save(spec: EnvironmentSpec, directory: Path, *, overwrite: bool) -> None:
    """Write *spec* to *directory* as the Azure ML SDK v1 would, whole or not at all.

    A build context that is a folder, which v1 has not, is left with its Dockerfile.

    Raises:
        DefinitionError: *directory* is there, and *overwrite* is false.
        EnvsyncError: it can't be written to.
    """
    from envsync.definition.directory import save_directory  # noqa: PLC0415  # most commands only load

    if spec.build_context is not None and spec.build_context.location_type == "local":
        from envsync.definition.targets import hold_in_v1  # noqa: PLC0415  # v1 itself has none

        spec = hold_in_v1(spec)
    save_directory(spec, directory, overwrite=overwrite)
