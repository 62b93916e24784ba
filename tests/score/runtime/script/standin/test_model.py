from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ask

ASK_FOR = """
    from azureml.core.model import Model
    import azureml.core

    def init():
        assert azureml.core.Model is Model

    def run(raw_data):
        with open(Model.get_model_path(*eval(raw_data))) as stream:
            return stream.read()
"""


def lay_out(folder: Path, *versions: str) -> None:
    for version in versions:
        place = folder / "azureml-models" / "churn" / version
        place.mkdir(parents=True)
        (place / "model.pkl").write_text(version)


def results(answers: object) -> list[object]:
    return [json.loads(answer.body) for answer in answers]  # type: ignore[attr-defined]


def test_the_sdk_s_model_path_is_answered_without_the_sdk(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    lay_out(tmp_path, "2", "10")
    given = tmp_path / "azureml-models" / "churn" / "2"

    answers = ask(any_python, ASK_FOR, "('churn',)", "('churn', 2)", model_dir=given)

    assert results(answers) == ["10", "2"]


def test_a_model_is_found_beside_the_script_and_in_the_model_dir(
    ask: Ask, python: Path, tmp_path: Path
) -> None:
    (tmp_path / "here.pkl").write_text("here")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "there.pkl").write_text("there")
    bodies = ("('here.pkl',)", "('there.pkl',)")

    assert results(ask(python, ASK_FOR, *bodies, model_dir=tmp_path / "model")) == ["here", "there"]


def test_what_was_tried_is_told(ask: Ask, python: Path, tmp_path: Path) -> None:
    (answer,) = ask(python, ASK_FOR, "('churn', 3)")

    assert answer.failure is not None
    assert answer.failure.type == "FileNotFoundError"
    assert str(tmp_path / "azureml-models" / "churn" / "3") in answer.failure.message
