from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import SHARED

from envsync import definition as definitions
from envsync.definition.conda.environment_yml import dump_environment_yml
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition import Loaded

TEXT = """\
# what the churn model needs
name: churn
channels: [conda-forge]
dependencies:
  - python=3.10   # as in production
  - pip:
      - flask==2.0
"""


def load_text(directory: Path, text: str) -> Loaded:
    (directory / "env-prod.yml").write_text(text, encoding="utf-8")
    return definitions.load(directory / "env-prod.yml")


def errors_of(directory: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load_text(directory, text)
    place = f"`{directory / 'env-prod.yml'}`"
    return [finding.text.removeprefix(place) for finding in caught.value.findings]


def test_file_under_any_name_is_a_definition(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, TEXT)

    assert loaded.warnings == ()
    assert loaded.spec.name == "churn"
    assert loaded.spec.files == (tmp_path / "env-prod.yml",)
    assert loaded.spec.directory == tmp_path
    assert loaded.spec.base_image is None
    assert loaded.spec.conda is not None
    assert loaded.spec.conda.match_specs == ("python=3.10",)


def test_definition_without_a_name_is_called_as_its_folder(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "dependencies: [python=3.10]\n")

    assert loaded.spec.name == tmp_path.name


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("platforms: [linux-64]", "lock for other subdirs with `envsync lock --subdir SUBDIR`"),
        ("category: dev", None),
        ("chanels: [a]", "did you mean `channels`?"),
        ("extras: {}", None),
    ],
)
def test_unknown_key_is_ignored_with_a_warning(tmp_path: Path, key: str, hint: str | None) -> None:
    loaded = load_text(tmp_path, TEXT + key + "\n")

    assert [(f.key_path, f.line, f.message, f.hint) for f in loaded.warnings] == [
        (key.partition(":")[0], 8, "conda ignores this key, and envsync does not keep it", hint)
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("npm: [left-pad]", ":8: dependencies[2].npm: no installer for this section is known"),
        ("sel(win): pywin32", ":8: dependencies[2].sel(win): envsync does not act on selectors"),
        ("numpy: 1.2", ":8: dependencies[2]: `numpy` is a key here, not a match spec"),
    ],
)
def test_unknown_section_is_an_error(tmp_path: Path, item: str, expected: str) -> None:
    assert errors_of(tmp_path, f"{TEXT}  - {item}\n  - 5\n") == [
        expected,
        ":9: dependencies[3]: `5` is a number, not a match spec",
    ]


def test_selector_in_a_comment_is_pointed_at(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, TEXT + "  - pywin32  # [win]\n")

    assert [(f.line, f.column) for f in loaded.warnings] == [(8, 14)]
    assert "selector" in loaded.warnings[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\n", ":1: `dependencies` is missing"),
        ("- a\n", ":1: a list where a mapping with `dependencies` should be"),
        ("", ": nothing where a mapping with `dependencies` should be"),
        ("dependencies: 5\n", ":1: dependencies: a number where a list should be"),
        (
            "python: 3.10\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n",
            ": this is MLflow's `python_env.yaml`, not a conda file",
        ),
    ],
)
def test_what_is_no_conda_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert errors_of(tmp_path, text) == [expected]


def test_misspelt_dependencies_are_pointed_at(tmp_path: Path) -> None:
    text = "channels: [conda-forge]\ndependancies: [python=3.11]\n"

    with pytest.raises(DefinitionError) as caught:
        load_text(tmp_path, text)

    (finding,) = caught.value.findings
    assert (finding.key_path, finding.line) == ("dependancies", 2)
    assert finding.hint == "did you mean `dependencies`?"


def test_file_is_written_with_its_comments(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, TEXT)

    assert (
        dump_environment_yml(loaded.spec)
        == """\
# what the churn model needs
name: churn
channels: [conda-forge]
dependencies:
- python=3.10     # as in production
- pip:
  - flask==2.0
"""
    )


@pytest.mark.parametrize("head", ["", "name: project_environment\n", "# top\nname: 'x' # y\n"])
def test_name_and_variables_of_the_definition_go_into_its_text(tmp_path: Path, head: str) -> None:
    body = "dependencies:\n- python=3.10 # pinned"
    (tmp_path / "azureml_environment.json").write_text(
        '{"name": "churn", "environmentVariables": {"A": "1.10"}}'
    )
    (tmp_path / "conda_dependencies.yml").write_text(head + body)

    text = dump_environment_yml(definitions.load(tmp_path).spec)

    assert "name: churn\n" in text
    assert text.endswith("dependencies:\n- python=3.10 # pinned\nvariables:\n  A: '1.10'\n")


@pytest.mark.parametrize(
    "conda",
    [
        '{"name": "x", "dependencies": ["python=3.10"]}',
        "name: x\ndependencies:\n- python=3.10\nvariables:\n  B: '2'\n",
        "name: |\n  x\ndependencies:\n- python=3.10\n",
    ],
)
def test_text_that_can_not_be_edited_is_made_anew(tmp_path: Path, conda: str) -> None:
    (tmp_path / "azureml_environment.json").write_text(
        '{"name": "churn", "environmentVariables": {"A": "1"}}'
    )
    (tmp_path / "conda_dependencies.yml").write_text(conda)
    text = dump_environment_yml(definitions.load(tmp_path).spec)
    (tmp_path / "again.yml").write_text(text)

    again = definitions.load(tmp_path / "again.yml").spec

    assert again.conda is not None
    assert again.name == "churn"
    assert dict(again.conda.variables)["A"] == "1"


def test_definition_without_conda_dependencies_is_no_conda_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("name: a\nimage: b\n")

    with pytest.raises(DefinitionError, match="no conda file can hold it"):
        dump_environment_yml(definitions.load(tmp_path / "a.yml").spec)


@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_of_the_real_conda_files_all_but_two_are_read() -> None:
    refused = {}
    for path in sorted((SHARED / "corpus/conda_yml").iterdir()):
        messages = refusal_of(path)
        if messages:
            refused[path.name.partition("-")[0]] = messages

    assert refused == {
        "009": ["`transformers[sentencepiece]==4.6.0` has extras, which conda does not know"],
        "205": ["this is MLflow's `python_env.yaml`, not a conda file"],
    }


def refusal_of(path: Path) -> list[str]:
    try:
        definitions.load(path, source_format="environment-yml")
    except DefinitionError as error:
        return [finding.message for finding in error.findings]
    return []
