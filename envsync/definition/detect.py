"""Which format a definition is in, told by names first and by keys where names don't tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envsync.definition.azureml.v1 import JSON_NAME
from envsync.definition.azureml.v2 import KEYS as V2_KEYS
from envsync.definition.conda.prefix import is_prefix
from envsync.definition.mlflow_model import MODEL_NAME
from envsync.definition.reading.yaml_source import YamlSource, open_yaml
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.formats import SourceFormat

# Looked for in a folder that nothing else claims; more than one is a question, not an answer.
FILE_NAMES = (
    *("environment.yml", "environment.yaml", "conda.yaml", "conda.yml"),
    *("conda_dependencies.yml", "conda_dependencies.yaml"),
)
_READ = f"`{JSON_NAME}`, `environment.yml`, `conda.yaml`, `{MODEL_NAME}` or a conda prefix"
_SUFFIXES = frozenset({".yml", ".yaml"})
_V2_MARKS = frozenset({"image", "build", "conda_file", "$schema", "inference_config", "os_type"})
_CONDA_MARKS = frozenset({"channels", "dependencies"})


class Detected(NamedTuple):
    """A definition's format and where it is; *source* is its YAML, if it had to be looked into."""

    source_format: SourceFormat
    path: Path
    source: YamlSource | None = None


def detect(path: Path) -> Detected:
    """Return what the definition at *path* is.

    A folder is a v1 directory, else a conda prefix, else an MLflow model, else that of its one
    environment file.

    Raises:
        DefinitionError: it is none, or more than one.
    """
    if path.is_dir():
        return _detect_folder(path)
    if path.name == MODEL_NAME:
        return Detected("mlflow", path.parent)
    if path.suffix.lower() in _SUFFIXES or not path.exists():
        return _detect_file(path)
    raise DefinitionError(f"`{path}` is no definition", hint=f"give a folder with {_READ}")


def find_file(folder: Path, wanted: SourceFormat | None = None) -> Detected:
    """Return the one environment file in *folder*, in the format *wanted* if there is such a one.

    Without a wish, a v2 file counts before others, which are what it names.

    Raises:
        DefinitionError: there is none, or it can't be told which one is meant.
    """
    found = [folder / name for name in FILE_NAMES if (folder / name).exists()]
    if not found:
        raise DefinitionError(f"`{folder}` holds no definition", hint=f"give a folder with {_READ}")
    detected = [_detect_file(path) for path in found]
    fitting = [one for one in detected if one.source_format == (wanted or "azureml-v2")]
    chosen = fitting or detected
    if len(chosen) > 1:
        names = " and ".join(quote(one.path.name) for one in chosen)
        message = f"`{folder}` has {names}, and either may be the definition"
        raise DefinitionError(message, hint=f"give the file: `{chosen[0].path}` for one")
    return chosen[0]


def _detect_folder(folder: Path) -> Detected:
    if (folder / JSON_NAME).exists():
        return Detected("azureml", folder)
    if is_prefix(folder):
        return Detected("prefix", folder)
    if (folder / MODEL_NAME).exists():
        return Detected("mlflow", folder)
    return find_file(folder)


def _detect_file(path: Path) -> Detected:
    """Tell v2 from conda by the keys; a file with the keys of both is taken for conda's."""
    source = open_yaml(path)
    keys = source.keys
    is_v2 = bool(keys & _V2_MARKS) or ("version" in keys and keys <= set(V2_KEYS))
    if is_v2 and not keys & _CONDA_MARKS:
        return Detected("azureml-v2", path, source)
    if {"docker", "python"} <= keys:
        return Detected("azureml-v2", path, source)  # whose reader says what it is instead
    return Detected("environment-yml", path, source)
