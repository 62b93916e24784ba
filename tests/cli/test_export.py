from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import document_with, write_definition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
SCHEMA = "https://azuremlschemas.azureedge.net/latest/environment.schema.json"
CLEAN = document_with(environmentVariables={}, docker__shmSize=None)
CONDA = """\
# for the churn model
name: churn
channels:
- conda-forge
dependencies:
- python=3.10  # as in production
- pip:
  - flask==2.0
"""
INLINE = f"""\
$schema: {SCHEMA}
name: churn
image: example.org/base:1
conda_file:
  name: churn
  channels:
  - conda-forge
  dependencies:
  - python=3.10
  - pip:
    - flask==2.0
"""


@pytest.fixture(autouse=True)
def source(tmp_path: Path) -> Path:
    return write_definition(tmp_path / "d", CLEAN, conda=CONDA)


def test_v2_file_goes_to_stdout(envsync: Callable[..., object]) -> None:
    assert envsync("export", "--format", "azureml-v2", "d") == (0, INLINE, "")


def test_v2_folder_is_what_the_azure_cli_takes(
    tmp_path: Path, envsync: Callable[..., object]
) -> None:
    done = envsync("export", "--format", "azureml-v2", "d", "-o", "a/v2")

    assert done == (0, "Wrote `a/v2/conda.yml`\nWrote `a/v2/environment.yml`\n", "")
    assert (tmp_path / "a/v2/environment.yml").read_text() == (
        f"$schema: {SCHEMA}\nname: churn\nimage: example.org/base:1\nconda_file: conda.yml\n"
    )
    assert (tmp_path / "a/v2/conda.yml").read_text() == CONDA
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["v2"]


def test_output_that_ends_in_yml_is_one_file(
    tmp_path: Path, envsync: Callable[..., object]
) -> None:
    done = envsync("export", "--format", "azureml-v2", "d", "-o", "churn.yaml")

    assert done == (0, "Wrote `churn.yaml`\n", "")
    assert (tmp_path / "churn.yaml").read_text() == INLINE


def test_conda_file_keeps_its_comments(envsync: Callable[..., object]) -> None:
    done = envsync("export", "--format", "environment-yml", "d")

    assert done == (
        0,
        CONDA,
        (
            "Warning: `d/azureml_environment.json`: docker.baseImage: "
            "a conda environment file has no place for this\n"
        ),
    )


def test_what_the_target_can_not_hold_is_listed_without_values(
    tmp_path: Path, envsync: Callable[..., object]
) -> None:
    registry = {"address": "acme.io", "username": "me", "password": "SECRET"}
    document = document_with(
        docker__baseImage="team/base:1",
        docker__baseImageRegistry=registry,
        environmentVariables={"A": "SECRET"},
        spark={"x": 1},
    )
    write_definition(tmp_path / "d", document, conda=CONDA)

    done = envsync("export", "--format", "azureml-v2", "d")

    place = "Warning: `d/azureml_environment.json`: "
    lost = "a v2 definition has no place for this\n"
    assert done == (
        0,
        INLINE.replace("example.org/base:1", "acme.io/team/base:1"),
        (
            f"{place[:-2]}:32: spark.x: Azure ML does not know this key; it is kept, not used\n"
            f"{place}docker.baseImage: `acme.io/team/base:1` is written\n"
            f"{place}environmentVariables: {lost}"
            "Hint: set them on the job or deployment: `environment_variables`\n"
            f"{place}docker.shmSize: {lost}"
            "Hint: give it to the job or deployment that runs in the environment\n"
            f"{place}docker.baseImageRegistry: {lost}"
            "Hint: let the workspace's identity pull from the registry\n"
            f"{place}spark: {lost}"
            "Hint: use a Spark job or component\n"
        ),
    )


def test_dockerfile_needs_a_folder(tmp_path: Path, envsync: Callable[..., object]) -> None:
    document = document_with(
        docker__baseImage=None,
        docker__shmSize=None,
        environmentVariables={},
        python__userManagedDependencies=True,
    )
    write_definition(tmp_path / "e", document, conda=None, dockerfile="FROM x\n")

    assert envsync("export", "--format", "azureml-v2", "e") == (
        2,
        "",
        "Error: A v2 definition with a Dockerfile is more than one file\nHint: add `--output DIR`\n",
    )
    assert envsync("export", "--format", "azureml-v2", "e", "-o", "v2") == (
        0,
        "Wrote `v2/context/Dockerfile`\nWrote `v2/environment.yml`\n",
        "",
    )
    assert (tmp_path / "v2/environment.yml").read_text() == (
        f"$schema: {SCHEMA}\nname: churn\nbuild:\n  path: context\n  dockerfile_path: Dockerfile\n"
    )


def test_files_that_are_there_are_replaced_only_on_demand(
    tmp_path: Path, envsync: Callable[..., object]
) -> None:
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2/conda.yml").write_text("mine")
    export = ("export", "--format", "azureml-v2", "d", "-o", "v2")

    assert envsync(*export) == (
        2,
        "",
        "Error: `v2/conda.yml` is already there\nHint: add `--overwrite`\n",
    )
    assert sorted(path.name for path in (tmp_path / "v2").iterdir()) == ["conda.yml"]
    assert envsync(*export, "--overwrite") == (
        0,
        "Wrote `v2/conda.yml`\nWrote `v2/environment.yml`\n",
        "",
    )
    assert (tmp_path / "v2/conda.yml").read_text() == CONDA


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("file", "Error: `file` is a file, not a directory\n"),
        ("folder.yml", "Error: `folder.yml` is a directory, not a file\n"),
    ],
)
def test_output_of_the_wrong_kind_is_refused(
    tmp_path: Path, envsync: Callable[..., object], output: str, error: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.yml").mkdir()

    done = envsync("export", "--format", "azureml-v2", "d", "-o", output, "--overwrite")

    assert done == (2, "", error)


def test_place_that_can_not_be_written_to_is_an_error(
    tmp_path: Path, envsync: Callable[..., object]
) -> None:
    (tmp_path / "file").write_text("")

    done = envsync("export", "--format", "azureml-v2", "d", "-o", "file/v2")

    assert done == (
        1,
        "",
        "Error: Cannot write `file/v2`: Not a directory\nHint: move away what is in its place\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "file"]
