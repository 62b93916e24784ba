from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.definitions import CONDA, DOCUMENT, document_with, write_definition

from envsync import definition as definitions
from envsync.errors import DefinitionError, EnvsyncError

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec


@pytest.fixture
def definition(tmp_path: Path) -> EnvironmentSpec:
    return definitions.load(write_definition(tmp_path / "source")).spec


def list_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_new_directory_has_the_files_and_nothing_is_left_beside_it(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    mask = os.umask(0)
    os.umask(mask)
    target = tmp_path / "a" / "b"

    definitions.save(definition, target, overwrite=False)

    assert list_names(target) == ["azureml_environment.json", "conda_dependencies.yml"]
    assert list_names(tmp_path / "a") == ["b"]
    assert target.stat().st_mode & 0o777 == 0o777 & ~mask
    assert (target / "azureml_environment.json").stat().st_mode & 0o777 == 0o666 & ~mask
    reread = definitions.load(target).spec
    assert replace(reread, directory=definition.directory, files=definition.files) == definition


def test_overwriting_keeps_other_files_and_removes_what_would_override(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    target = write_definition(tmp_path / "target", {"name": "old"}, dockerfile="FROM old\n")
    (target / "score.py").write_text("")

    definitions.save(replace(definition, conda=None), target, overwrite=True)

    assert list_names(target) == ["azureml_environment.json", "score.py"]
    assert list_names(tmp_path) == ["source", "target"]


def test_dockerfile_is_written_with_the_authors_text(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    changed = replace(definition, base_image=None, base_dockerfile="FROM é\n")
    target = write_definition(tmp_path / "target")
    definitions.save(changed, target, overwrite=True)
    assert (target / "BaseDockerfile").read_bytes() == "FROM é\n".encode()


def test_link_is_replaced_not_written_through(tmp_path: Path, definition: EnvironmentSpec) -> None:
    (tmp_path / "precious").write_text("mine")
    target = tmp_path / "target"
    target.mkdir()
    (target / "conda_dependencies.yml").symlink_to("../precious")

    definitions.save(definition, target, overwrite=True)

    assert (tmp_path / "precious").read_text() == "mine"
    assert (target / "conda_dependencies.yml").read_text() == CONDA


@pytest.mark.parametrize("overwrite", [False, True])
def test_file_in_place_of_the_directory_is_left_alone(
    tmp_path: Path, definition: EnvironmentSpec, *, overwrite: bool
) -> None:
    (tmp_path / "target").write_text("mine")
    with pytest.raises(DefinitionError) as caught:
        definitions.save(definition, tmp_path / "target", overwrite=overwrite)
    assert caught.value.message == f"`{tmp_path}/target` is a file, not a directory"
    assert (tmp_path / "target").read_text() == "mine"


def test_directory_in_place_of_a_file_is_refused_before_anything_is_written(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    target = tmp_path / "target"
    (target / "BaseDockerfile").mkdir(parents=True)
    with pytest.raises(DefinitionError) as caught:
        definitions.save(definition, target, overwrite=True)
    assert caught.value.message == f"`{target}/BaseDockerfile` is a directory, not a file"
    assert list_names(target) == ["BaseDockerfile"]


def test_an_empty_directory_is_as_good_as_none(tmp_path: Path, definition: EnvironmentSpec) -> None:
    (tmp_path / "target").mkdir()
    definitions.save(definition, tmp_path / "target", overwrite=False)
    assert "azureml_environment.json" in list_names(tmp_path / "target")


def test_directory_that_is_there_needs_overwrite(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target/score.py").touch()
    with pytest.raises(DefinitionError) as caught:
        definitions.save(definition, tmp_path / "target", overwrite=False)
    assert caught.value.message == f"`{tmp_path}/target` is already there"
    assert caught.value.hint == "add `--overwrite`"


def test_parent_that_is_a_file_is_said(tmp_path: Path, definition: EnvironmentSpec) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvsyncError) as caught:
        definitions.save(definition, tmp_path / "file/target", overwrite=False)
    assert caught.value.message == f"Cannot write `{tmp_path}/file/target`: File exists"
    assert caught.value.exit_status == 1


def test_definition_is_saved_over_its_own_source(tmp_path: Path) -> None:
    source = write_definition(tmp_path / "source", document_with(name="mine"))
    definitions.save(definitions.load(source).spec, source, overwrite=True)
    assert definitions.load(source).spec.name == "mine"
    assert list_names(source) == ["azureml_environment.json", "conda_dependencies.yml"]


def test_definition_without_the_sdks_sections_gets_its_defaults(
    tmp_path: Path, definition: EnvironmentSpec
) -> None:
    bare = replace(definition, spark=None, databricks=None)
    definitions.save(bare, tmp_path / "target", overwrite=False)
    reread = definitions.load(tmp_path / "target").spec
    assert (reread.spark, reread.databricks) == (definition.spark, definition.databricks)
    assert DOCUMENT["spark"]["precachePackages"] is True
