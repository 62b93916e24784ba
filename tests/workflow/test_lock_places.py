"""Which lock is meant by what a user names."""

from pathlib import Path

import pytest

from envsync.errors import DefinitionError
from envsync.workflow.definition.edit import find_conda_file
from envsync.workflow.lock.files import find_lock

LOCK = "version: 1\nmetadata:\n  platforms: []\npackage: []\n"


@pytest.mark.parametrize("name", ["env.yml", "MLmodel", "train.runconfig"])
def test_a_definition_that_is_a_file_means_the_lock_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: x\nversion: 1\n")
    (tmp_path / "conda-lock.yml").write_text(LOCK)

    assert find_lock(tmp_path / name) == tmp_path / "conda-lock.yml"
    assert find_lock(tmp_path) == tmp_path / "conda-lock.yml"


@pytest.mark.parametrize("name", ["my.conda-lock.yml", "l.yml", "missing.yml"])
def test_a_lock_by_another_name_is_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / "conda-lock.yml").write_text(LOCK)
    if name != "missing.yml":
        (tmp_path / name).write_text(LOCK)

    assert find_lock(tmp_path / name) == tmp_path / name


def test_the_python_env_of_a_model_is_no_conda_file_to_edit(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  python_function:\n    env: {virtualenv: python_env.yaml}\n"
        "    loader_module: mlflow.sklearn\n"
    )
    (tmp_path / "python_env.yaml").write_text(
        "python: 3.11.4\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n"
    )
    (tmp_path / "requirements.txt").write_text("six\n")

    with pytest.raises(DefinitionError, match="is MLflow's, and no conda file"):
        find_conda_file(tmp_path)
    with pytest.raises(DefinitionError, match="is MLflow's, and no conda file"):
        find_conda_file(tmp_path / "python_env.yaml")
