"""From v1 to v2 and back: what is lost is what was said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import SHARED, document_with, recorded, write_definition

from envsync import definition as definitions
from envsync.definition.directory import dump_files
from envsync.workflow.definition.export import ExportRequest, export
from envsync.workflow.definition.save import save_to_directory

if TYPE_CHECKING:
    from pathlib import Path

CONDA_KEY = "python.condaDependencies"


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {
        place: leaf
        for key, item in value.items()
        for place, leaf in flatten(item, f"{path}.{key}" if path else key).items()
    }


def describe(directory: Path) -> dict[str, Any]:
    """Return each value of the v1 definition in *directory*, by its key path."""
    loaded = definitions.load(directory).spec
    values = flatten(json.loads(dump_files(loaded)["azureml_environment.json"]))
    values["docker.baseDockerfile"] = loaded.base_dockerfile or None
    conda = loaded.conda
    if conda is not None:
        values[CONDA_KEY] = (
            conda.name,
            conda.channels,
            conda.match_specs,
            conda.pip_requirements,
            conda.pip_options,
            conda.variables,
        )
    return values


def go_to_v2_and_back(source: Path, work: Path) -> tuple[dict[str, Any], set[str]]:
    """Return the values that came back, and the key paths that were said to be lost."""
    request = ExportRequest(source=source, target_format="azureml-v2", output=work / "v2")
    lost = {finding.key_path for finding in export(request).warnings}
    save_to_directory(work / "v2", work / "v1", overwrite=False)
    return describe(work / "v1"), lost


def differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    keys = before.keys() | after.keys()
    return {key for key in keys if before.get(key) != after.get(key)}


def is_covered(path: str, lost: set[str]) -> bool:
    return any(path == key or path.startswith(f"{key}.") for key in lost)


def check_round_trip(source: Path, work: Path) -> None:
    before = describe(source)
    after, lost = go_to_v2_and_back(source, work)
    changed = differing(before, after)
    assert {path for path in changed if not is_covered(path, lost)} == set()


@pytest.mark.parametrize("case", recorded("azureml-v1", "azureml-v1-old-sdks"))
def test_recorded_definition_loses_only_what_was_listed(case: Path, tmp_path: Path) -> None:
    check_round_trip(case, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_real_definitions_lose_only_what_was_listed(tmp_path: Path) -> None:
    without_image = []
    for case in sorted((SHARED / "corpus/azureml_env").iterdir()):
        if definitions.load(case).spec.base_image is None:
            without_image.append(case)
        else:
            check_round_trip(case, tmp_path / case.name)

    assert len(without_image) == 1


CHANGES: dict[str, dict[str, Any]] = {
    "plain": {"environmentVariables": {}, "docker__shmSize": None},
    "version": {"version": "1.10"},
    "environmentVariables": {"environmentVariables": {"A": "SECRET"}},
    "python.interpreterPath": {"python__interpreterPath": "/opt/py"},
    "python.baseCondaEnvironment": {"python__baseCondaEnvironment": "base"},
    "docker.enabled": {"docker__enabled": True},
    "docker.sharedVolumes": {"docker__sharedVolumes": False},
    "docker.shmSize": {"docker__shmSize": "8g"},
    "docker.arguments": {"docker__arguments": ["--token=SECRET"]},
    "docker.baseImageRegistry": {
        "docker__baseImageRegistry": {
            "address": "acme.azurecr.io",
            "username": "me",
            "password": "SECRET",
            "registryIdentity": {"resourceId": "r", "clientId": "c"},
        }
    },
    "docker.platform.os": {"docker__platform__os": "OSX"},
    "docker.platform.architecture": {"docker__platform__architecture": "arm64"},
    "spark": {"spark": {"repositories": ["https://x"], "packages": [], "precachePackages": True}},
    "databricks": {"databricks": {"pypiLibraries": [{"package": "a", "repo": ""}]}},
    "r": {"r": {"rVersion": "4", "githubPackages": [{"repository": "x", "authToken": "SECRET"}]}},
    "inferencingStackVersion": {"inferencingStackVersion": "latest"},
    "assetId": {"assetId": "azureml://x"},
    "unknown": {"unknown": 1, "python__more": 2},
    "name": {"name": None},
}


@pytest.mark.parametrize("lost", CHANGES)
def test_each_key_that_v2_lacks_is_listed_without_its_value(lost: str, tmp_path: Path) -> None:
    document = document_with(**(CHANGES["plain"] | CHANGES[lost]))
    source = write_definition(tmp_path / "source", document)

    before = describe(source)
    request = ExportRequest(source=source, target_format="azureml-v2", output=tmp_path / "v2.yml")
    warnings = [f for f in export(request).warnings if "does not know this key" not in f.message]
    save_to_directory(tmp_path / "v2.yml", tmp_path / "v1", overwrite=False)

    expected = {
        "plain": set(),
        "version": set(),
        "unknown": {"unknown", "python.more"},
    }.get(lost, {lost})
    assert {finding.key_path for finding in warnings} == expected
    changed = differing(before, describe(tmp_path / "v1"))
    assert all(any(is_covered(path, {key}) for path in changed) for key in expected)
    written = (tmp_path / "v2.yml").read_text()
    assert "SECRET" not in written + "".join(f.text + (f.hint or "") for f in warnings)


def test_dockerfile_becomes_a_build_context_and_comes_back(tmp_path: Path) -> None:
    document = document_with(
        docker__baseImage=None,
        docker__shmSize=None,
        environmentVariables={},
        python__userManagedDependencies=True,
    )
    source = write_definition(tmp_path / "a", document, conda=None, dockerfile="FROM x\nRUN y\n")

    after, lost = go_to_v2_and_back(source, tmp_path)

    assert (tmp_path / "v2/context/Dockerfile").read_text() == "FROM x\nRUN y\n"
    assert (differing(describe(source), after), lost) == (set(), set())


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("git", "https://github.com/acme/images.git#main"),
        ("storageAccount", "https://acme.blob.core.windows.net/c"),
    ],
)
@pytest.mark.parametrize("dockerfile", ["Dockerfile", "docker/D", None])
def test_remote_build_context_comes_back(
    tmp_path: Path, kind: str, location: str, dockerfile: str | None
) -> None:
    context = {"locationType": kind, "location": location, "dockerfilePath": dockerfile}
    document = document_with(
        docker__baseImage=None,
        docker__buildContext=context,
        docker__shmSize=None,
        environmentVariables={},
    )
    source = write_definition(tmp_path / "a", document, conda=None)

    after, lost = go_to_v2_and_back(source, tmp_path)

    assert (differing(describe(source), after), lost) == (set(), set())


def test_conda_dependencies_that_azure_ml_does_not_use_are_left_out(tmp_path: Path) -> None:
    source = write_definition(tmp_path / "a", document_with(python__userManagedDependencies=True))

    after, lost = go_to_v2_and_back(source, tmp_path)

    assert CONDA_KEY in lost
    assert not (tmp_path / "v2/conda.yml").exists()
    assert after["python.userManagedDependencies"] is True


def test_conda_dependencies_on_a_dockerfile_are_left_out(tmp_path: Path) -> None:
    document = document_with(docker__baseImage=None)
    source = write_definition(tmp_path / "a", document, dockerfile="FROM x\n")

    after, lost = go_to_v2_and_back(source, tmp_path)

    assert {CONDA_KEY, "python.userManagedDependencies"} <= lost
    assert after["docker.baseDockerfile"] == "FROM x\n"
