"""The files of a definition, put on disk together or not at all."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from envsync.definition.azureml.environment_json import dump_environment
from envsync.definition.azureml.v1 import CONDA_NAME, DOCKERFILE_NAME, JSON_NAME
from envsync.definition.conda.dependencies import dump_conda
from envsync.errors import DefinitionError
from envsync.files import cannot_write, remove_tree
from envsync.remedy import Option, advise

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec


def save_directory(spec: EnvironmentSpec, directory: Path, *, overwrite: bool) -> None:
    """Write *spec* to *directory* in the files that the Azure ML SDK v1 reads.

    A new directory appears with all its files at once. In one that *overwrite* lets be written
    to, each file is replaced in one step after all have reached the disk, and a conda file or
    Dockerfile that *spec* does not have is removed, as it would override *spec*. Other files stay.

    Raises:
        DefinitionError: *directory* holds something, and *overwrite* is false.
        EnvsyncError: it can't be written to.
    """
    contents = dump_files(spec)
    _check_target(directory, overwrite=overwrite)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        staging = directory.parent / f".{directory.name}.{secrets.token_hex(8)}"
        staging.mkdir()
        try:
            _put_files(contents, staging, directory)
        finally:
            remove_tree(staging)
    except OSError as error:
        raise cannot_write(directory, error) from error


def dump_files(spec: EnvironmentSpec) -> dict[str, bytes]:
    """Return the names and contents of the files that hold *spec*: UTF-8, with LF."""
    texts = {JSON_NAME: dump_environment(spec)}
    if spec.conda is not None:
        texts[CONDA_NAME] = dump_conda(spec.conda)
    if spec.base_dockerfile:
        texts[DOCKERFILE_NAME] = spec.base_dockerfile
    return {name: text.encode() for name, text in texts.items()}


def _check_target(directory: Path, *, overwrite: bool) -> None:
    if directory.is_symlink() or directory.exists():
        if not directory.is_dir():
            raise DefinitionError(f"`{directory}` is a file, not a directory")
        if not overwrite and any(directory.iterdir()):
            raise DefinitionError(
                f"`{directory}` is already there", hint=advise("add ", Option("overwrite"))
            )
        for name in (JSON_NAME, CONDA_NAME, DOCKERFILE_NAME):
            if (directory / name).is_dir():
                raise DefinitionError(f"`{directory / name}` is a directory, not a file")


def _put_files(contents: dict[str, bytes], staging: Path, directory: Path) -> None:
    for name, content in contents.items():
        (staging / name).write_bytes(content)
    if not directory.exists():
        staging.rename(directory)
        return
    for name in (DOCKERFILE_NAME, CONDA_NAME, JSON_NAME):
        if name in contents:
            (staging / name).replace(directory / name)
        else:
            (directory / name).unlink(missing_ok=True)
