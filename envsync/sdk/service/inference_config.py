"""The `InferenceConfig` of the Azure ML SDK."""

from __future__ import annotations

import ast
import keyword
import os
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.sdk.environment.environment import Environment

if TYPE_CHECKING:
    from envsync.sdk.source import StrPath

_DEPRECATED = frozenset(
    {
        "base_image",
        "base_image_registry",
        "conda_file",
        "cuda_version",
        "enable_gpu",
        "extra_docker_file_steps",
        "runtime",
    }
)


class InferenceConfig:
    """An entry script with its environment.

    *entry_script* is relative to *source_directory*, which is deployed with all its files, or to
    the working directory.
    """

    def __init__(
        self,
        entry_script: StrPath,
        *,
        environment: Environment | None = None,
        source_directory: StrPath | None = None,
        description: str | None = None,
        **deprecated: object,
    ) -> None:
        """Check the script without running it.

        Raises:
            DefinitionError: the script does not exist, can't be parsed, or its name can't be the
                name of a module.
        """
        _check_deprecated(deprecated)
        if environment is not None and not isinstance(environment, Environment):
            raise DefinitionError(
                f"A {type(environment).__name__} is not an environment",
                hint="give an `envsync.Environment`, such as one from `load_from_directory`",
            )
        self.source_directory = (
            None if source_directory is None else _check_source(source_directory)
        )
        self.entry_script = os.fspath(entry_script)
        self.environment = environment
        self.description = description
        _check_script(self.entry_script, self.script_path, self.source_directory)

    @property
    def script_path(self) -> Path:
        """The entry script's absolute path."""
        return (Path(self.source_directory or Path.cwd()) / self.entry_script).absolute()

    def __repr__(self) -> str:
        name = None if self.environment is None else self.environment.name
        return f"InferenceConfig(entry_script={self.entry_script!r}, environment={name!r})"


def _check_deprecated(given: dict[str, object]) -> None:
    for name, value in given.items():
        if name not in _DEPRECATED:
            message = f"InferenceConfig() got an unexpected keyword argument '{name}'"
            raise TypeError(message)
        if value is not None:
            raise DefinitionError(
                f"InferenceConfig no longer takes `{name}`",
                hint="set it in an `Environment`, and pass that as `environment`",
            )


def _check_source(source_directory: StrPath) -> str:
    path = Path(source_directory).resolve()
    if not path.is_dir():
        raise DefinitionError(f"Source directory `{source_directory}` does not exist")
    return str(path)


def _check_script(entry_script: str, path: Path, source_directory: str | None) -> None:
    if not entry_script or not path.is_file():
        raise DefinitionError(
            f"Entry script `{entry_script}` does not exist\n  tried `{path}`",
            hint="it is relative to `source_directory`, or to the working directory without one",
        )
    if source_directory is not None and not path.resolve().is_relative_to(source_directory):
        raise DefinitionError(f"Entry script `{entry_script}` is not in `{source_directory}`")
    if path.suffix != ".py":
        raise DefinitionError(
            f"The name of entry script `{entry_script}` does not end in `.py`",
            hint="Azure ML takes Python files only",
        )
    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        suggested = "".join(letter if letter.isalnum() else "_" for letter in path.stem)
        raise DefinitionError(
            f"Entry script `{entry_script}`: `{path.stem}` can't be the name of a module",
            hint=f"rename it, for example to `{suggested}_.py`",
        )
    try:
        ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"`{entry_script}`" if line is None else f"`{entry_script}`:{line}"
        message = f"Entry script {place} cannot be parsed: {getattr(error, 'msg', error)}"
        raise DefinitionError(message) from error
