"""The SDK shows what azureml-core reads from the directories that it saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import recorded

from envsync import Environment
from envsync.definition.directory import dump_files
from envsync.sdk.environment.document import to_document

if TYPE_CHECKING:
    from pathlib import Path

SAVED = ("azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile")


def read_oracle(case: Path) -> dict[str, Any]:
    oracle: dict[str, Any] = json.loads((case / "oracle.json").read_text(encoding="utf-8"))
    return oracle


@pytest.mark.parametrize("case", recorded("azureml-v1", "azureml-v1-old-sdks"))
def test_conda_dependencies_show_what_the_sdk_shows(case: Path) -> None:
    dependencies = Environment.load_from_directory(case).python.conda_dependencies

    expected = read_oracle(case)["conda"]
    if expected is None:
        assert dependencies is None
        return
    assert dependencies is not None
    assert list(dependencies.conda_channels) == expected["channels"]
    assert list(dependencies.conda_packages) == expected["conda_packages"]
    assert list(dependencies.pip_packages) == expected["pip_packages"]
    assert list(dependencies.pip_options) == expected["pip_options"]
    if case.name != "27_python_range":  # of which the SDK gives the excluded bound
        assert dependencies.get_python_version() == expected["python_version"]


@pytest.mark.parametrize("case", recorded("azureml-v1", "azureml-v1-old-sdks"))
def test_attributes_are_those_of_the_sdk(case: Path) -> None:
    environment = Environment.load_from_directory(case)

    expected = read_oracle(case)["definition"]
    conda = expected["python"].pop("condaDependencies", None)
    document = to_document(environment)
    document["docker"].pop("gpuSupport", None)  # kept as unknown; the SDK drops it
    assert document == expected
    dependencies = environment.python.conda_dependencies
    assert (dependencies and dependencies.as_dict()) == conda


@pytest.mark.parametrize("case", recorded("azureml-v1"))
def test_an_unchanged_environment_saves_to_the_bytes_of_the_sdk(case: Path) -> None:
    resaved = case / "resaved"
    source = resaved if resaved.is_dir() else case

    files = dump_files(Environment.load_from_directory(case).to_spec())

    assert files == {
        name: (source / name).read_bytes() for name in SAVED if (source / name).is_file()
    }
