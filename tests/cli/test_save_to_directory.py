from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from spec.definitions import CONDA, DOCUMENT, document_with, write_definition

from envsync.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ["azureml_environment.json", "conda_dependencies.yml"]


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


@pytest.fixture
def envsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, *capsys.readouterr())

    return run


def list_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_definition_is_written_to_a_new_directory(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source")

    done = envsync("save-to-directory", "source", "a/b")

    assert done == (0, "Saved `a/b`\n", "")
    assert list_names(tmp_path / "a/b") == NAMES
    for name in NAMES:
        assert (tmp_path / "a/b" / name).read_bytes() == (tmp_path / "source" / name).read_bytes()


def test_directory_that_is_there_is_left_alone(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source")
    (tmp_path / "target").mkdir()

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == "Error: `target` is already there\nHint: add `--overwrite`\n"
    assert list_names(tmp_path / "target") == []


def test_overwriting_removes_what_would_override_and_nothing_else(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    document = document_with(python__userManagedDependencies=True)
    write_definition(tmp_path / "source", document, conda=None)
    target = write_definition(tmp_path / "target", conda=CONDA, dockerfile="FROM old\n")
    (target / "score.py").write_text("")

    done = envsync("save-to-directory", "source", "target", "--overwrite")

    assert (done.status, done.stderr) == (0, "")
    assert list_names(target) == ["azureml_environment.json", "score.py"]


def test_every_finding_of_a_wrong_source_is_printed_and_nothing_written(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    document = document_with(name=5, docker__enabled="false")
    write_definition(tmp_path / "source", document, conda=CONDA + "  - scikit-learn=>1.4\n")

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: `source/azureml_environment.json`:2: name: a number where text should be\n"
        "Hint: put it in quotes\n"
        "Error: `source/azureml_environment.json`:14: docker.enabled: "
        "text where `true` or `false` should be\n"
        "Hint: write `false` without quotes\n"
        "Error: `source/conda_dependencies.yml`:8: dependencies[1].pip[1]: "
        "`scikit-learn=>1.4` is not a pip requirement\n"
        "Hint: did you mean `scikit-learn>=1.4`?\n"
    )
    assert not (tmp_path / "target").exists()


def test_warnings_of_the_source_are_printed_to_stderr(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source", DOCUMENT | {"nmae": "typo"})

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (0, "Saved `target`\n")
    assert done.stderr == (
        "Warning: `source/azureml_environment.json`:47: nmae: "
        "Azure ML does not know this key; it is kept, not used\n"
        "Hint: did you mean `name`?\n"
    )


@pytest.mark.parametrize("source", ["nowhere", ".", "some.txt"])
def test_source_that_is_no_definition_is_refused(
    tmp_path: Path, envsync: Callable[..., Done], source: str
) -> None:
    (tmp_path / "some.txt").write_text("")

    done = envsync("save-to-directory", source, "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert f"`{source}`" in done.stderr.splitlines()[0]
    assert list_names(tmp_path) == ["some.txt"]
