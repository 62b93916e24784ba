from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import write_definition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

CONDA = """\
# what churn needs
name: churn
channels: [conda-forge]
dependencies:
  - python=3.10   # as in production
  - numpy=1.26
  - pip
  - pip:
      - "azureml-defaults==1.55.0"
"""


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    return write_definition(tmp_path / "d", conda=CONDA) / "conda_dependencies.yml"


def test_packages_are_added_in_place(conda: Path, envsync: Callable[..., Done]) -> None:
    done = envsync("add", "--dir", "d", "numpy=2.0", "pandas >=2,<3")

    assert done == (
        0,
        "",
        (
            "Replaced `numpy=1.26` by `numpy=2.0` in `d/conda_dependencies.yml`\n"
            "Added `pandas >=2,<3` to `d/conda_dependencies.yml`\n"
            "Lock it with `envsync lock d`\n"
        ),
    )
    assert conda.read_text() == CONDA.replace(
        "  - numpy=1.26\n", "  - numpy=2.0\n  - pandas >=2,<3\n"
    )


def test_pip_requirements_are_added_under_pip(conda: Path, envsync: Callable[..., Done]) -> None:
    done = envsync("add", "--dir", "d", "--pip", "mlflow==2.20")

    assert done.stderr == (
        "Added `mlflow==2.20` to `d/conda_dependencies.yml`\nLock it with `envsync lock d`\n"
    )
    assert conda.read_text() == CONDA + '      - "mlflow==2.20"\n'


def test_package_is_removed_with_its_line(conda: Path, envsync: Callable[..., Done]) -> None:
    done = envsync("remove", "numpy", "--dir", "d")

    assert done == (
        0,
        "",
        "Removed `numpy=1.26` from `d/conda_dependencies.yml`\nLock it with `envsync lock d`\n",
    )
    assert conda.read_text() == CONDA.replace("  - numpy=1.26\n", "")


def test_lock_that_is_there_is_said_to_be_stale(conda: Path, envsync: Callable[..., Done]) -> None:
    conda.with_name("conda-lock.yml").write_text("")

    done = envsync("remove", "azureml_defaults", "--pip", "--dir", "d")

    assert done.stderr == (
        "Removed `azureml-defaults==1.55.0` from `d/conda_dependencies.yml`\n"
        "Warning: `d/conda-lock.yml` is stale now\n"
        "Hint: run `envsync lock d`\n"
    )


def test_definition_here_is_edited_by_default(
    conda: Path, tmp_path: Path, envsync: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "d")

    done = envsync("add", "joblib")

    assert (
        done.stderr == "Added `joblib` to `conda_dependencies.yml`\nLock it with `envsync lock .`\n"
    )
    assert "  - joblib\n" in conda.read_text()


def test_bare_name_of_what_is_there_changes_nothing(
    conda: Path, envsync: Callable[..., Done]
) -> None:
    done = envsync("add", "numpy", "--dir", "d")

    assert done.stderr == (
        "Kept `numpy=1.26`, which answers `numpy`\n`d/conda_dependencies.yml` is unchanged\n"
    )
    assert conda.read_text() == CONDA


def test_package_that_pip_is_asked_for_too_is_warned_about(
    conda: Path, envsync: Callable[..., Done]
) -> None:
    del conda

    done = envsync("add", "azureml-defaults=1.55", "--dir", "d")

    assert done.status == 0
    assert done.stderr == (
        "Added `azureml-defaults=1.55` to `d/conda_dependencies.yml`\n"
        "Warning: `d/conda_dependencies.yml`: pip is asked for `azureml-defaults` too, "
        "as `azureml-defaults==1.55.0`\n"
        "Hint: run `envsync remove --pip --dir d azureml-defaults` if one is enough\n"
        "Lock it with `envsync lock d`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("remove", "nunpy", "scipy"),
            (
                "Error: `nunpy` and `scipy` are not among the conda packages\n"
                "Hint: did you mean `numpy`?\n"
            ),
        ),
        (
            ("remove", "azureml-defaults"),
            "Error: `azureml-defaults` is not among the conda packages\nHint: add `--pip`\n",
        ),
        (
            ("remove", "--pip", "numpy"),
            "Error: `numpy` is not under `pip:`\nHint: leave `--pip` out\n",
        ),
        (("remove", "zzz"), "Error: `zzz` is not among the conda packages\n"),
        (
            ("add", "joblib", "scikit-learn=>1.4"),
            (
                "Error: `scikit-learn=>1.4` is not a match spec\n"
                "Hint: did you mean `scikit-learn>=1.4`?\n"
            ),
        ),
        (
            ("add", "mlflow[extras]==2"),
            "Error: `mlflow[extras]==2` has extras, which conda does not know\nHint: add `--pip`\n",
        ),
        (
            ("add", "--pip", "joblib", "numpy=1.2"),
            "Error: `numpy=1.2` is not a pip requirement\nHint: did you mean `numpy==1.2`?\n",
        ),
        (
            ("add", "--pip", "--", "-r requirements.txt"),
            (
                "Error: `-r requirements.txt` is an option of pip, not a requirement\n"
                "Hint: write it into the file, under `- pip:`\n"
            ),
        ),
        (
            ("add", "--pip", "x @@ https://me:secret@e.org/x.zip?sig=secret"),
            (
                "Error: `x @@ https://***@e.org/x.zip?***` is not a pip requirement\n"
                "Hint: write `name`, `name==1.2` or `name @ https://…`\n"
            ),
        ),
    ],
)
def test_wrong_words_change_nothing_and_say_what_was_meant(
    conda: Path, envsync: Callable[..., Done], arguments: tuple[str, ...], error: str
) -> None:
    command, *words = arguments

    done = envsync(command, "--dir", "d", *words)

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == error
    assert conda.read_text() == CONDA


def test_companion_under_another_name_is_edited_where_it_is_read(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    directory = write_definition(tmp_path / "d", conda=None)
    (directory / "environment.yml").write_text(CONDA)

    done = envsync("add", "joblib", "--dir", "d")

    assert done.status == 0
    assert "  - joblib\n" in (directory / "environment.yml").read_text()


def test_conda_file_may_be_named_itself(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    (tmp_path / "environment.yml").write_text(CONDA)

    done = envsync("add", "joblib", "--dir", "environment.yml")

    assert done.stderr.splitlines()[0] == "Added `joblib` to `environment.yml`"


def test_conda_file_that_is_wrong_can_be_put_right(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.10, numpy=>1, -r x]\n")

    envsync("remove", "x", "--dir", "environment.yml")
    done = envsync("add", "numpy>=1", "--dir", "environment.yml")

    assert done.status == 0
    assert (tmp_path / "environment.yml").read_text() == (
        "dependencies: [python=3.10, numpy>=1, -r x]\n"
    )


def test_conda_file_that_a_v2_file_names_is_edited(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "v2.yml").write_text("name: a\nimage: b:1\nconda_file: conda.yml\n")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.10]\n")

    done = envsync("add", "numpy", "--dir", "v2.yml")

    assert done.stderr.splitlines()[0] == "Added `numpy` to `conda.yml`"


def test_conda_side_inside_a_v2_file_is_left_to_its_author(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    text = "name: a\nimage: b:1\nconda_file: {dependencies: [python=3.10]}\n"
    (tmp_path / "v2.yml").write_text(text)

    done = envsync("add", "numpy", "--dir", "v2.yml")

    assert (done.status, done.stderr) == (
        2,
        "Error: `v2.yml`:1: this is no conda environment file\n",
    )
    assert (tmp_path / "v2.yml").read_text() == text


def test_missing_folder_is_refused(envsync: Callable[..., Done]) -> None:
    done = envsync("add", "numpy", "--dir", "nowhere")

    assert done.stderr == (
        "Error: `nowhere`: cannot be read: No such file or directory\n"
        "Hint: give the folder or the file of a definition\n"
    )


def test_a_warning_of_both_sides_names_the_command_for_this_definition(
    conda: Path, envsync: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = envsync("add", "--dir", "d", "--pip", "numpy<2").stderr
    monkeypatch.chdir(conda.parent)
    here = envsync("add", "--pip", "numpy<2").stderr

    assert "Hint: run `envsync remove --dir d numpy` if one is enough\n" in elsewhere
    assert "Hint: run `envsync remove numpy` if one is enough\n" in here


def test_definition_without_a_conda_file_is_refused(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(
        tmp_path / "d",
        '{"name": "d", "python": {"condaDependencies": {"dependencies": ["python=3.10"]}}}',
        conda=None,
    )

    done = envsync("add", "joblib", "--dir", "d")

    assert done.status == 2
    assert done.stderr == (
        "Error: `d` has no conda file to edit\n"
        "Hint: put a `conda_dependencies.yml` there; `envsync save-to-directory` writes one\n"
    )


def test_a_hint_can_be_pasted_where_a_path_has_spaces(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    define("python").rename(tmp_path / "my specs")

    done = envsync("add", "six", "--dir", "my specs")

    assert done.stderr.splitlines()[-1] == "Lock it with `envsync lock 'my specs'`"
