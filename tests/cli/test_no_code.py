"""MLflow models without an entry script, as Azure ML's no-code deployment serves them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from channel import default_cache
from support.scoring_python import PACKAGES, make_scoring_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.slow

_CACHE = default_cache()

TRAIN = """
import mlflow.sklearn
import pandas
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

data = pandas.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
model = LinearRegression().fit(data, [1.0, 2.0, 5.0])
signature = infer_signature(data, model.predict(data))
given = {"serialization_format": "cloudpickle", "pip_requirements": ["mlflow"]}
mlflow.sklearn.save_model(model, "named", signature=signature, **given)
mlflow.sklearn.save_model(model, "free", **given)
"""
SPLIT = {"columns": ["b", "a"], "data": [[1, 2], [0, 1]]}
RECORDS = [{"a": 2, "b": 1}, {"b": 0, "a": 1}]


@pytest.fixture(scope="session")
def mlflow_python() -> Path:
    return make_scoring_python(_CACHE, ("mlflow-skinny>=2.20,<4", *PACKAGES[1:]))


@pytest.fixture(scope="session")
def models(mlflow_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlflow")
    done = subprocess.run(
        [mlflow_python, "-c", TRAIN], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def score(envsync: Callable[..., Done], tmp_path: Path, mlflow_python: Path) -> Callable[..., Done]:
    def run(*requests: object, arguments: tuple[str, ...], python: Path = mlflow_python) -> Done:
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        (tmp_path / "requests.jsonl").write_text(lines)
        command = ("score", "--python", str(python), "--data", "requests.jsonl", *arguments)
        return envsync(*command)

    return run


def results(done: Done) -> list[object]:
    assert done.status == 0, done.stderr
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]


def test_a_model_with_a_signature_takes_each_form_of_input_and_says_what_is_none(
    score: Callable[..., Done], models: Path
) -> None:
    right = (
        {"input_data": SPLIT},
        {"input_data": RECORDS},
        {"input_data": [[2, 1], [1, 0]]},
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"inputs": {"a": [2, 1], "b": [1, 0]}},
        {"instances": RECORDS},
    )
    wrong = ([1], {}, {"data": [[1, 2]]}, {"inputs": 1, "instances": 2})

    done = score(*right, *wrong, arguments=("--model", str(models / "named")))

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["result"] for line in found[:7]] == [pytest.approx([5.0, 2.0])] * 7, done.stderr
    assert done.stdout.count("one of: input_data, dataframe_split, dataframe_records, inst") == 4


def test_a_model_without_a_signature_takes_rows(score: Callable[..., Done], models: Path) -> None:
    done = score({"input_data": [[2, 1], [1, 0]]}, arguments=("--model", str(models / "free")))

    assert results(done) == [pytest.approx([5.0, 2.0])]


@pytest.mark.parametrize("arguments", [("--model", "linear"), ("{}",)])
def test_a_registered_model_and_a_model_folder_need_no_script_either(
    envsync: Callable[..., Done],
    score: Callable[..., Done],
    models: Path,
    arguments: tuple[str, ...],
) -> None:
    envsync("model", "register", str(models / "named"), "-n", "linear")

    given = tuple(word.format(models / "named") for word in arguments)
    done = score({"input_data": RECORDS}, arguments=given)

    assert results(done) == [pytest.approx([5.0, 2.0])]


def test_an_environment_without_mlflow_is_told(score: Callable[..., Done], models: Path) -> None:
    done = score({}, arguments=("--model", str(models / "named")), python=sys.executable)

    assert done.status == 1
    assert "needs `mlflow` in its environment" in done.stderr


def test_a_script_of_the_definition_comes_first(
    score: Callable[..., Done], models: Path, tmp_path: Path
) -> None:
    (tmp_path / "score.py").write_text("def init():\n    pass\n\ndef run(d):\n    return 'mine'\n")
    done = score({}, arguments=("--model", str(models / "named")))

    assert results(done) == ["mine"]
