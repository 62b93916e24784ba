"""Definitions to start from, and the recorded ones where they are at hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[2] / "../shared"

CONDA = """\
name: churn
channels:
- conda-forge
dependencies:
- python=3.10
- pip:
  - azureml-defaults==1.55.0
"""

DOCUMENT: dict[str, Any] = {
    "name": "churn",
    "version": None,
    "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
    "python": {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": None,
        "baseCondaEnvironment": None,
    },
    "docker": {
        "enabled": False,
        "baseImage": "example.org/base:1",
        "baseDockerfile": None,
        "buildContext": None,
        "sharedVolumes": True,
        "shmSize": "2g",
        "arguments": [],
        "baseImageRegistry": {
            "address": None,
            "username": None,
            "password": None,
            "registryIdentity": None,
        },
        "platform": {"os": "Linux", "architecture": "amd64"},
    },
    "spark": {"repositories": [], "packages": [], "precachePackages": True},
    "databricks": {
        "mavenLibraries": [],
        "pypiLibraries": [],
        "rcranLibraries": [],
        "jarLibraries": [],
        "eggLibraries": [],
    },
    "r": None,
    "inferencingStackVersion": None,
    "assetId": None,
}


def document_with(**changes: Any) -> dict[str, Any]:
    """Return a definition in which `docker__baseImage=...` changes that key."""
    document = copy.deepcopy(DOCUMENT)
    for path, value in changes.items():
        *sections, key = path.split("__")
        level = document
        for section in sections:
            level = level[section]
        level[key] = value
    return document


def write_definition(
    directory: Path,
    document: Any = None,
    *,
    conda: str | bytes | None = CONDA,
    dockerfile: str | None = None,
) -> Path:
    """Put a definition into *directory* and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    text = document if isinstance(document, str) else json.dumps(document or DOCUMENT, indent=4)
    (directory / "azureml_environment.json").write_text(text, encoding="utf-8")
    if conda is not None:
        content = conda if isinstance(conda, bytes) else conda.encode()
        (directory / "conda_dependencies.yml").write_bytes(content)
    if dockerfile is not None:
        (directory / "BaseDockerfile").write_text(dockerfile, encoding="utf-8")
    return directory


def recorded(*folders: str) -> list[Any]:
    """Return the recorded cases in *folders* as parameters; one that skips where none are."""
    cases = [
        pytest.param(case, id=f"{folder}/{case.name}")
        for folder in folders
        for case in sorted((SHARED / "oracle" / folder).glob("*/"))
    ]
    return cases or [pytest.param(None, marks=pytest.mark.skip(reason="no recorded cases here"))]
