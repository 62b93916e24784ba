"""The story of `envsync export`: a definition in another format than the v1 directory's."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from envsync import definition as definitions
from envsync.errors import DefinitionError
from envsync.files import cannot_write, remove_tree, write_atomically
from envsync.remedy import Option, advise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envsync.definition.formats import SourceFormat
    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec

TargetFormat: TypeAlias = Literal["azureml-v2", "environment-yml"]

TARGET_FORMATS: tuple[TargetFormat, ...] = ("azureml-v2", "environment-yml")
_FILE_NAME = "environment.yml"
_SUFFIXES = frozenset({".yml", ".yaml"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """What is exported, and where to.

    An *output* that ends in `.yml` or `.yaml` is one file, any other a folder; None is no file at
    all. *image* takes the place of the one that the source names.
    """

    source: Path
    target_format: TargetFormat
    output: Path | None = None
    source_format: SourceFormat | None = None
    image: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOutcome:
    """What was written, or the *text* for standard output; the warnings say what was lost."""

    paths: tuple[Path, ...]
    text: str | None
    warnings: tuple[Finding, ...]


def export(request: ExportRequest) -> ExportOutcome:
    """Write the definition as *request* says, every file whole or none.

    Raises:
        DefinitionError: the source is wrong, the target can't hold it, or a file is there and
            may not be replaced.
        EnvsyncError: a file can't be written.
    """
    from envsync.definition.losses import find_left_behind
    from envsync.definition.targets import with_image

    loaded = definitions.load(request.source, source_format=request.source_format)
    spec = with_image(loaded.spec, request.image)
    output = request.output
    is_file = output is not None and output.suffix.lower() in _SUFFIXES
    directory = Path() if output is None else (output.parent if is_file else output)
    dump = _TARGETS[request.target_format]
    files, losses = dump(spec, directory, is_single=output is None or is_file)
    warnings = (*loaded.warnings, *losses, *find_left_behind(spec, directory))
    if output is None:
        return ExportOutcome(paths=(), text=files[_FILE_NAME].decode(), warnings=warnings)
    if is_file:
        files = {output.name: files[_FILE_NAME]}
    _check_target(directory, files, overwrite=request.overwrite)
    _write(directory, files)
    return ExportOutcome(paths=tuple(directory / n for n in files), text=None, warnings=warnings)


def _to_v2(
    spec: EnvironmentSpec, directory: Path, *, is_single: bool
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    from envsync.definition.azureml.v2_files import dump_v2_files, dump_v2_text
    from envsync.definition.losses import find_losses
    from envsync.definition.targets import hold_in_v2

    held = hold_in_v2(spec, directory=directory)
    losses = find_losses(spec, held, target="a v2 definition")
    if is_single:
        return {_FILE_NAME: dump_v2_text(held).encode()}, losses
    return dump_v2_files(held), losses


def _to_environment_yml(
    spec: EnvironmentSpec, directory: Path, *, is_single: bool
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    from envsync.definition.conda.environment_yml import dump_environment_yml
    from envsync.definition.losses import find_losses
    from envsync.definition.targets import hold_in_environment_yml

    del directory, is_single
    text = dump_environment_yml(spec)
    held = hold_in_environment_yml(spec)
    return {_FILE_NAME: text.encode()}, find_losses(spec, held, target="a conda environment file")


_TARGETS = {"azureml-v2": _to_v2, "environment-yml": _to_environment_yml}


def _check_target(directory: Path, names: Iterable[str], *, overwrite: bool) -> None:
    for path in (directory, *(directory / name for name in names)):
        if path.is_dir() or not (path.is_symlink() or path.exists()):
            continue
        if path == directory:
            raise DefinitionError(f"`{path}` is a file, not a directory")
        if not overwrite:
            raise DefinitionError(
                f"`{path}` is already there", hint=advise("add ", Option("overwrite"))
            )
    for name in names:
        if (directory / name).is_dir():
            raise DefinitionError(f"`{directory / name}` is a directory, not a file")


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Put *files* into *directory*, into a new one at once, the last of them last."""
    is_new = not directory.is_dir()
    staging = directory.parent / f".{directory.name}.{secrets.token_hex(8)}"
    target = staging if is_new else directory
    try:
        for name, content in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target / name, content)
        if is_new:
            staging.rename(directory)
    except OSError as error:
        raise cannot_write(directory, error) from error
    finally:
        if staging.exists():
            remove_tree(staging)
