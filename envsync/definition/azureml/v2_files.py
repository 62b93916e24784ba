"""A definition as files of the Azure ML SDK v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envsync.definition.azureml.v2 import SCHEMA
from envsync.definition.conda.dependencies import dump_conda
from envsync.errors import DefinitionError
from envsync.model.json_value import thaw
from envsync.remedy import Option, advise
from envsync.yamlio import Mapping, Scalar, dump_yaml, is_null, parse_yaml

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec
    from envsync.yamlio import Node

FILE_NAME = "environment.yml"
CONDA_NAME = "conda.yml"
CONTEXT_NAME = "context"
DOCKERFILE = "Dockerfile"


def dump_v2_files(spec: EnvironmentSpec) -> dict[str, bytes]:
    """Return the names and contents of the files for *spec*, which `hold_in_v2` gave.

    `az ml environment create -f environment.yml` takes them; the conda file keeps its comments.
    """
    files = {}
    if spec.base_dockerfile:
        files[f"{CONTEXT_NAME}/{DOCKERFILE}"] = spec.base_dockerfile
    if spec.conda is not None:
        files[CONDA_NAME] = dump_conda(spec.conda)
    files[FILE_NAME] = dump_yaml(_to_plain(spec, CONDA_NAME))
    return {name: text.encode() for name, text in files.items()}


def dump_v2_text(spec: EnvironmentSpec) -> str:
    """Return *spec* as one file, with its conda dependencies inline.

    Raises:
        DefinitionError: its Dockerfile needs a file of its own.
    """
    if spec.base_dockerfile:
        raise DefinitionError(
            "A v2 definition with a Dockerfile is more than one file",
            hint=advise("add ", Option("output", "DIR")),
        )
    conda = None
    if spec.conda is not None:
        conda = _keep_text(parse_yaml(dump_conda(spec.conda), file=CONDA_NAME))
    text: str = dump_yaml(_to_plain(spec, conda))
    return text


def _to_plain(spec: EnvironmentSpec, conda: Any) -> dict[str, Any]:
    extra = {} if spec.azureml_v2 is None else dict(spec.azureml_v2.entries)
    build = {"path": CONTEXT_NAME, "dockerfile_path": DOCKERFILE} if spec.base_dockerfile else None
    if spec.build_context is not None:
        build = {"path": spec.build_context.location or ""}
        if spec.build_context.dockerfile_path is not None:
            build["dockerfile_path"] = spec.build_context.dockerfile_path
    entries = {
        "$schema": SCHEMA,
        "name": spec.name,
        "version": spec.version,
        "description": thaw(extra.get("description")),
        "tags": thaw(extra.get("tags")),
        "image": spec.base_image,
        "conda_file": conda if spec.conda is not None else None,
        "build": build,
        "os_type": "windows" if spec.platform.os == "Windows" else None,
        "inference_config": thaw(extra.get("inference_config")),
        "datastore": thaw(extra.get("datastore")),
    }
    return {key: value for key, value in entries.items() if value is not None}


def _keep_text(node: Node | None) -> Any:
    """Return *node* with its scalars as text, so that `3.10` stays what it is."""
    if isinstance(node, Mapping):
        return {key.text: _keep_text(value) for key, value in node.entries}
    if node is None or isinstance(node, Scalar):
        return None if node is None or is_null(node) else node.text
    return [_keep_text(item) for item in node.items]
