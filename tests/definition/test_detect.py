from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.definitions import write_definition

from envsync import definition as definitions
from envsync.definition.detect import detect
from envsync.definition.formats import SOURCE_FORMATS, SourceFormat
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path


CONDA = "dependencies: [python=3.10]\n"
V2 = "name: a\nimage: b\n"
MODEL = "flavors: {python_function: {env: conda.yaml}}\n"


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / name.replace("_", ".", 1)).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONDA, "environment-yml"),
        ("channels: [a]\n", "environment-yml"),
        (V2, "azureml-v2"),
        ("name: a\nbuild: {path: b}\n", "azureml-v2"),
        ("name: a\nversion: 1\n", "azureml-v2"),
        ("name: a\n", "environment-yml"),
        ("name: a\nimage: b\ndependencies: []\n", "environment-yml"),
        ("{docker: {}, python: {}, environmentVariables: {}}\n", "azureml-v2"),
        ("[]\n", "environment-yml"),
        ("", "environment-yml"),
    ],
)
def test_keys_tell_a_v2_file_from_a_conda_file(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "any-name.YAML"
    path.write_text(text)

    assert detect(path).source_format == expected


@pytest.mark.parametrize(
    ("files", "source_format", "file"),
    [
        ({"environment_yml": CONDA}, "environment-yml", "environment.yml"),
        ({"environment_yaml": CONDA}, "environment-yml", "environment.yaml"),
        ({"conda_yaml": CONDA}, "environment-yml", "conda.yaml"),
        ({"environment_yml": V2, "conda_yml": CONDA}, "azureml-v2", "environment.yml"),
        ({"environment_yml": CONDA, "conda_yaml": CONDA, "MLmodel": MODEL}, "mlflow", ""),
    ],
)
def test_folder_is_what_its_files_make_it(
    tmp_path: Path, files: dict[str, str], source_format: str, file: str
) -> None:
    found = detect(write(tmp_path, **files))

    assert (found.source_format, found.path) == (source_format, tmp_path / file)


def test_v1_comes_before_a_prefix_and_a_prefix_before_a_model(tmp_path: Path) -> None:
    write(tmp_path, MLmodel=MODEL)
    (tmp_path / "conda-meta").mkdir()
    assert detect(tmp_path).source_format == "prefix"

    write_definition(tmp_path)
    assert detect(tmp_path).source_format == "azureml"


def test_folder_with_two_candidates_is_a_question(tmp_path: Path) -> None:
    write(tmp_path, environment_yml=CONDA, conda_yaml=CONDA)

    with pytest.raises(DefinitionError) as caught:
        detect(tmp_path)

    message = "has `environment.yml` and `conda.yaml`, and either may be the definition"
    assert caught.value.message.endswith(message)
    assert caught.value.hint == f"give the file: `{tmp_path / 'environment.yml'}` for one"


@pytest.mark.parametrize("name", ["nothing", "notes.txt"])
def test_what_holds_no_definition_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "notes.txt").write_text("")

    with pytest.raises(DefinitionError, match="no definition") as caught:
        definitions.load(tmp_path / name)

    assert "`environment.yml`" in (caught.value.hint or "")


@pytest.mark.parametrize("given", [".", "environment.yml"])
def test_file_that_is_no_regular_one_is_refused_without_being_opened(
    tmp_path: Path, given: str
) -> None:
    os.mkfifo(tmp_path / "environment.yml")

    with pytest.raises(DefinitionError, match="this is not a regular file"):
        definitions.load(tmp_path / given)


def test_format_that_is_said_is_believed(tmp_path: Path) -> None:
    write(tmp_path, environment_yml=V2, conda_yml=CONDA, MLmodel="flavors: {}\n", conda_yaml=CONDA)
    write_definition(tmp_path, conda="name: v1\n" + CONDA)

    def name_of(source_format: SourceFormat, path: Path = tmp_path) -> str:
        return definitions.load(path, source_format=source_format).spec.files[-1].name

    assert name_of("azureml") == "conda_dependencies.yml"
    assert name_of("azureml-v2") == "environment.yml"
    assert name_of("mlflow") == "conda.yaml"
    assert name_of("mlflow", tmp_path / "MLmodel") == "conda.yaml"
    assert name_of("environment-yml", tmp_path / "conda.yml") == "conda.yml"


@pytest.mark.parametrize(
    ("source_format", "path", "message"),
    [
        ("azureml", "a.yml", "is no definition"),
        ("azureml", ".", "has no `azureml_environment.json`"),
        ("azureml-v2", ".", "a conda environment file"),
        ("azureml-v2", "a.yml", "a conda environment file"),
        ("environment-yml", "b.yml", "`dependencies` is missing"),
        ("mlflow", "a.yml", "is no folder"),
        ("prefix", "a.yml", "is no folder"),
        ("prefix", ".", "is no conda environment"),
        ("environment-yml", "empty", "holds no definition"),
        ("environment-yml", "nowhere.yml", "No such file"),
        (None, "nowhere", "nowhere`: cannot be read: No such file or directory"),
    ],
)
def test_definition_in_another_format_than_the_one_said_is_refused(
    tmp_path: Path, source_format: SourceFormat | None, path: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.yml").write_text(CONDA)
    (tmp_path / "b.yml").write_text(V2)
    (tmp_path / "environment.yml").write_text(CONDA)

    with pytest.raises(DefinitionError) as caught:
        definitions.load(tmp_path / path, source_format=source_format)

    assert message in str(caught.value)


@pytest.mark.parametrize("source_format", SOURCE_FORMATS)
def test_each_format_that_can_be_named_is_looked_for(
    tmp_path: Path, source_format: SourceFormat
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(DefinitionError):
        definitions.load(tmp_path / "empty", source_format=source_format)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("chrun", "did you mean `{0}/churn`?"),
        ("other", "give the folder or the file of a definition"),
        ("other/churn", "give the folder or the file of a definition"),
    ],
)
def test_a_folder_that_is_not_there_may_be_another_one(
    tmp_path: Path, name: str, hint: str
) -> None:
    write_definition(tmp_path / "churn")

    with pytest.raises(DefinitionError) as caught:
        definitions.load(tmp_path / name)

    assert caught.value.hint == hint.format(tmp_path)
