"""Definitions from every format but that of the Azure ML SDK v1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.definition.azureml.v2 import load_v2
from envsync.definition.conda.environment_yml import load_environment_yml
from envsync.definition.conda.prefix import load_prefix
from envsync.definition.detect import Detected, detect, find_file
from envsync.definition.mlflow_model import MODEL_NAME, load_model
from envsync.definition.reading.yaml_source import open_yaml
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envsync.definition.formats import SourceFormat
    from envsync.definition.reading.loaded import Loaded
    from envsync.definition.reading.yaml_source import YamlSource

_YAML_READERS: dict[str, Callable[[YamlSource], Loaded]] = {
    "azureml-v2": load_v2,
    "environment-yml": load_environment_yml,
}
_FOLDER_READERS: dict[str, Callable[[Path], Loaded]] = {
    "mlflow": load_model,
    "prefix": load_prefix,
}


def load_source(path: Path, source_format: SourceFormat | None) -> Loaded:
    """Return the definition at *path*, in *source_format* or, for None, in what it looks like.

    Raises:
        DefinitionError: there is none, or it is wrong; the error holds every finding.
    """
    found = detect(path) if source_format is None else _find(path, source_format)
    reader = _FOLDER_READERS.get(found.source_format)
    if reader is not None:
        return reader(found.path)
    return _YAML_READERS[found.source_format](found.source or open_yaml(found.path))


def _find(path: Path, source_format: SourceFormat) -> Detected:
    if source_format in _YAML_READERS:
        if path.is_dir():
            return find_file(path, source_format)._replace(source_format=source_format)
        return Detected(source_format, path)
    if path.name == MODEL_NAME and path.is_file():
        path = path.parent
    if not path.is_dir():
        raise DefinitionError(f"`{path}` is no folder", hint="give the folder itself")
    return Detected(source_format, path)
