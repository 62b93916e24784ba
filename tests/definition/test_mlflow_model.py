from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import recorded

from envsync import definition as definitions
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

MODEL = """\
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    python_version: 3.10.4
mlflow_version: 2.17.2
"""
CONDA = """\
channels:
- conda-forge
dependencies:
- python=3.10.4
- pip<=23.2.1
- pip:
  - mlflow==2.17.2
name: mlflow-env
"""
PYTHON_ENV = "python: 3.10.4\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n"
DIFFERS = "this differs from `conda.yaml`, which is used: "
FILES = {
    "MLmodel": MODEL,
    "conda.yaml": CONDA,
    "python_env.yaml": PYTHON_ENV,
    "requirements.txt": "mlflow==2.17.2",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "churn-model"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def warnings_of(folder: Path) -> list[tuple[str, str]]:
    return [
        (finding.file.removeprefix(f"{folder}/"), finding.message)
        for finding in definitions.load(folder).warnings
    ]


def test_model_that_agrees_with_itself_is_read_without_a_word(model: Path) -> None:
    loaded = definitions.load(model)

    assert loaded.warnings == ()
    assert [path.name for path in loaded.spec.files] == ["MLmodel", "conda.yaml"]
    assert loaded.spec.conda is not None
    assert loaded.spec.conda.match_specs == ("python=3.10.4", "pip<=23.2.1")
    assert loaded.spec.conda.pip_requirements == ("mlflow==2.17.2",)


def test_folder_names_the_environment_that_mlflow_calls_as_all_others(model: Path) -> None:
    assert definitions.load(model).spec.name == "churn-model"
    (model / "conda.yaml").write_text(CONDA.replace("mlflow-env", "mine"))
    assert definitions.load(model / "MLmodel").spec.name == "mine"


@pytest.mark.parametrize("case", recorded("mlflow"))
def test_recorded_model_is_read_from_its_conda_file(case: Path) -> None:
    loaded = definitions.load(case)

    assert loaded.spec.files[-1] == case / "conda.yaml"
    own_conda, other_sklearn = "conda_env" in case.name, "pip_requirements" in case.name
    names = [finding.file.removeprefix(f"{case}/") for finding in loaded.warnings]
    expected = ["MLmodel", "python_env.yaml", "requirements.txt"] if own_conda else []
    assert list(dict.fromkeys(names)) == (["MLmodel"] if other_sklearn else expected)


def test_old_model_names_its_conda_file_alone(model: Path) -> None:
    old = "flavors: {python_function: {env: env.yaml, python_version: 3.10.4}}\n"
    (model / "MLmodel").write_text(old)
    (model / "conda.yaml").rename(model / "env.yaml")

    assert definitions.load(model).spec.files[-1] == model / "env.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (
            "conda.yaml",
            "python=3.10.4",
            "python=3.8",
            [
                (
                    "MLmodel",
                    "the model was saved with `3.10.4`, and `conda.yaml` asks for `python=3.8`",
                ),
                (
                    "python_env.yaml",
                    "this says `3.10.4`, and `conda.yaml`, which is used, `python=3.8`",
                ),
            ],
        ),
        ("conda.yaml", "python=3.10.4", "python=3.10", []),
        ("conda.yaml", "python=3.10.4", "python>=3.9,<3.11", []),
        ("conda.yaml", "python=3.10.4", "python 3.10.*", []),
        ("conda.yaml", "python=3.10.4", "python=3.8|3.10.4", []),
        (
            "python_env.yaml",
            "3.10.4",
            "3.9.1",
            [
                (
                    "python_env.yaml",
                    "this says `3.9.1`, and `conda.yaml`, which is used, `python=3.10.4`",
                )
            ],
        ),
        (
            "MLmodel",
            "mlflow_version: 2.17.2",
            "mlflow_version: 3.1.0",
            [
                (
                    "MLmodel",
                    "the model was saved with `3.1.0`, and `conda.yaml` asks for `mlflow==2.17.2`",
                )
            ],
        ),
        ("MLmodel", "mlflow_version: 2.17.2", "mlflow_version: not-one", []),
        ("conda.yaml", "mlflow==2.17.2", "mlflow == 2.17.2", []),
        (
            "conda.yaml",
            "  - mlflow==2.17.2",
            "  - mlflow[extras]==2.17.2 ; python_version>'3'",
            [
                (
                    "requirements.txt",
                    DIFFERS
                    + "`mlflow==2.17.2` here, `mlflow[extras]==2.17.2 ; python_version>'3'` there",
                ),
            ],
        ),
        (
            "requirements.txt",
            "mlflow==2.17.2",
            "mlflow==2.17.2\n# a comment\n--pre\ngit+https://example.org/x.git\n",
            [
                (
                    "requirements.txt",
                    DIFFERS + "`git+https://example.org/x.git` here; `--pre` in one only",
                )
            ],
        ),
        (
            "requirements.txt",
            "mlflow==2.17.2",
            "mlflow==2.17.2\na\nb\nc\nd\ne\nf\ng\n",
            [
                (
                    "requirements.txt",
                    DIFFERS + "`a` here; `b` here; `c` here; `d` here; `e` here; and 2 more",
                )
            ],
        ),
        (
            "requirements.txt",
            "mlflow==2.17.2",
            "mlflow=>2.17.2",
            [
                ("requirements.txt", "`mlflow=>2.17.2` is not a pip requirement"),
                (
                    "requirements.txt",
                    DIFFERS + "`mlflow=>2.17.2` here, `mlflow==2.17.2` there",
                ),
            ],
        ),
    ],
)
def test_disagreement_names_both_files(
    model: Path, name: str, old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    text = FILES[name]
    assert old in text
    (model / name).write_text(text.replace(old, new))

    assert warnings_of(model) == expected


def test_conda_file_without_python_is_told_which_one_the_model_had(model: Path) -> None:
    (model / "conda.yaml").write_text(CONDA.replace("- python=3.10.4\n", ""))

    found = {f.message: f.hint for f in definitions.load(model).warnings}

    message = "the model was saved with Python `3.10.4`, and `conda.yaml` asks for none"
    assert found[message] == "add `python=3.10.4` to `conda.yaml`"


def test_model_without_a_conda_file_gets_what_its_other_files_say(model: Path) -> None:
    (model / "conda.yaml").unlink()
    (model / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    (model / "requirements.txt").write_text(
        "mlflow==2.17.2\n--extra-index-url https://example.org\n"
    )

    loaded = definitions.load(model)

    conda = loaded.spec.conda
    assert conda is not None
    assert conda.channels == ("conda-forge",)
    assert conda.match_specs == ("python=3.10.4", "pip")
    assert conda.pip_requirements == ("mlflow==2.17.2",)
    assert conda.pip_options == ("--extra-index-url https://example.org",)
    assert loaded.spec.files[-1] == model / "requirements.txt"
    assert [f.message for f in loaded.warnings] == [
        (
            "the model has no `conda.yaml`; "
            "`python_env.yaml` and `requirements.txt` are read in its place"
        )
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"conda.yaml": None, "python_env.yaml": None}, "conda.yaml`: cannot be read"),
        ({"MLmodel": "{}", "conda.yaml": None, "python_env.yaml": None}, "the model has no `conda"),
        (
            {"MLmodel": "{}", "conda.yaml": None, "requirements.txt": None},
            "the model has no `conda",
        ),
        (
            {"MLmodel": "{}", "conda.yaml": None, "python_env.yaml": "a: ["},
            "python_env.yaml`:1: not",
        ),
        (
            {"MLmodel": "{}", "conda.yaml": None, "python_env.yaml": "python: '3 [url=x]'"},
            "python_env.yaml`: python: `3 [url=x]` is not a version of Python",
        ),
        ({"MLmodel": "{}", "conda.yaml": None, "requirements.txt": "\0"}, "requirements.txt"),
        ({"MLmodel": "a: ["}, "MLmodel`:1: not YAML"),
        ({"conda.yaml": "- a"}, "conda.yaml`:1: a list where a mapping"),
        ({"conda.yaml": "a: ["}, "conda.yaml`:1: not YAML"),
        (
            {"MLmodel": MODEL.replace("conda.yaml", "../conda.yaml")},
            "MLmodel`: flavors: `../conda.yaml` lies outside the definition's directory",
        ),
    ],
)
def test_model_without_a_readable_environment_is_refused(
    model: Path, changes: dict[str, str | None], expected: str
) -> None:
    for name, text in changes.items():
        (model / name).unlink()
        if text is not None:
            (model / name).write_text(text)

    with pytest.raises(DefinitionError) as caught:
        definitions.load(model)

    assert any(expected in finding.text for finding in caught.value.findings)


def test_side_file_that_can_not_be_read_is_no_error_beside_a_conda_file(model: Path) -> None:
    (model / "requirements.txt").unlink()
    (model / "requirements.txt").mkdir()
    (model / "python_env.yaml").write_text("a: [")

    assert [message for _, message in warnings_of(model)] == [
        "not YAML: expected the node content, but found '<stream end>'",
        "this is a directory, where a file should be",
    ]
