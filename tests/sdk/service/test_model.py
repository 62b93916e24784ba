"""Models and inference configurations, in the words of the SDK."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from channel import default_cache
from support.scoring_python import make_scoring_python

from envsync import (
    CondaDependencies,
    DefinitionError,
    Environment,
    EnvsyncError,
    InferenceConfig,
    Model,
)

_CACHE = default_cache()

RIDGE = """
import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

dataset_x, dataset_y = load_diabetes(return_X_y=True)
model = Ridge().fit(dataset_x, dataset_y)
joblib.dump(model, "sklearn_regression_model.pkl")
"""

SCORE = """
import json
import os

import joblib
import numpy as np


def init():
    global model
    path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "sklearn_regression_model.pkl")
    model = joblib.load(path)


def run(raw_data):
    return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AML_APP_ROOT", raising=False)
    (tmp_path / "model.pkl").write_text("weights")
    (tmp_path / "score.py").write_text(SCORE)
    return tmp_path


def register(name: str = "churn", **notes: object) -> Model:
    return Model.register(model_path="model.pkl", model_name=name, **notes)


@pytest.mark.slow
def test_the_article_registers_a_retrained_model_and_predicts_with_it(folder: Path) -> None:
    python = make_scoring_python(_CACHE)
    subprocess.run([python, "-c", RIDGE], check=True)

    model = Model.register(
        model_path="sklearn_regression_model.pkl",
        model_name="sklearn_regression_model",
        tags={"area": "diabetes", "type": "regression"},
        description="Ridge regression model to predict diabetes",
        workspace=None,
    )
    (folder / "request.json").write_text('{"data": [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}')
    command = ["score", "--python", str(python), "--data", "request.json", "--model", model.id]
    done = subprocess.run(
        [sys.executable, "-m", "envsync", *command], capture_output=True, text=True, check=False
    )

    assert (model.name, model.version) == ("sklearn_regression_model", 1)
    assert model.tags == {"area": "diabetes", "type": "regression"}
    assert done.stdout.startswith('{"result": [152.13348416'), done.stderr


def test_a_model_is_found_by_name_by_version_and_by_id() -> None:
    register(tags={"step": "one"})
    register(tags={"step": "two"})

    assert Model("churn").version == 2
    assert Model(None, "churn").version == 2
    assert Model("churn", version=1).tags == {"step": "one"}
    assert Model(id="churn:1").version == 1
    assert Model("churn", tags=[["step", "one"]]).version == 1


def test_a_workspace_is_told_to_be_of_no_use() -> None:
    register()

    with pytest.warns(UserWarning, match="envsync needs no workspace"):
        assert Model(object(), "churn").id == "churn:1"
    with pytest.warns(UserWarning, match="envsync needs no workspace"):
        assert len(Model.list(object())) == 1


def test_positional_arguments_mean_what_they_mean_without_the_workspace() -> None:
    model = Model.register("model.pkl", "churn", {"a": "b"})

    assert (model.id, model.tags) == ("churn:1", {"a": "b"})
    assert Model.register(None, "model.pkl", "churn").id == "churn:2"


def test_a_model_that_is_registered_nowhere_has_a_path_and_version_nought(folder: Path) -> None:
    model = Model("churn", "model.pkl")

    assert (model.name, model.version, model.path) == ("churn", 0, folder / "model.pkl")
    with pytest.raises(EnvsyncError, match="Model `churn` is not registered"):
        model.delete()


def test_lists_are_newest_first_and_filtered_by_tags() -> None:
    register("churn", tags={"area": "money"})
    register("digits", tags={"area": "post", "size": "8"})
    register("churn", tags={"area": "money"})

    assert [model.id for model in Model.list(name="churn")] == ["churn:2", "churn:1"]
    assert [model.id for model in Model.list(tags=[["area", "post"]])] == ["digits:1"]
    assert [model.id for model in Model.list(tags=["size"])] == ["digits:1"]
    assert sorted(model.id for model in Model.list(latest=True)) == ["churn:2", "digits:1"]


def test_notes_can_be_changed_and_stay_changed() -> None:
    model = register(tags={"a": "1"}, model_framework=Model.Framework.SCIKITLEARN)
    model.add_tags({"b": "2"})
    model.remove_tags(["a"])
    model.update(description="better")

    again = Model("churn")

    assert again.tags == model.tags == {"b": "2"}
    assert (again.description, again.model_framework) == ("better", "ScikitLearn")


def test_changing_the_dictionary_of_a_model_changes_nothing_registered() -> None:
    register(tags={"a": "1"}).tags["b"] = "2"

    assert Model("churn").tags == {"a": "1"}


def test_a_download_returns_its_path_and_replaces_no_file(folder: Path) -> None:
    model = register()

    assert model.download(target_dir="out") == str(Path("out") / "model.pkl")
    assert (folder / "out" / "model.pkl").read_text() == "weights"
    with pytest.raises(DefinitionError, match=r"`out/model\.pkl` is there already"):
        model.download(target_dir="out")
    assert model.download(target_dir="out", exist_ok=True)


def test_a_model_path_is_that_of_the_app_root_before_that_of_the_registry(folder: Path) -> None:
    registered = register()
    assert Model.get_model_path("churn") == str(registered.path)

    for version in ("2", "10"):
        place = folder / "azureml-models" / "churn" / version
        place.mkdir(parents=True)
        (place / "model.pkl").write_text(version)

    assert Path(Model.get_model_path("churn")).read_text() == "10"
    assert Path(Model.get_model_path("churn", version=2)).read_text() == "2"
    assert Model.get_model_path("churn", version=1) == str(registered.path)


@pytest.mark.parametrize("version", ["1", 1.0, True, -1])
def test_a_version_is_a_number(version: int) -> None:
    register()

    with pytest.raises(DefinitionError, match="is not the version of a model"):
        Model.get_model_path("churn", version=version)


def test_a_deleted_model_is_gone() -> None:
    register().delete()

    with pytest.raises(DefinitionError, match="No model `churn` is registered"):
        Model("churn")


def test_arguments_that_nobody_knows_are_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        register(nonsense=1)
    assert register(sample_input_dataset=None).version == 1


def test_an_inference_config_keeps_what_it_was_given_and_changes_nothing(folder: Path) -> None:
    environment = Environment("churn")
    environment.python.conda_dependencies = CondaDependencies()
    before = environment.to_spec()

    config = InferenceConfig(entry_script="score.py", environment=environment, description="d")
    inside = InferenceConfig("score.py", source_directory=".", environment=environment)

    assert (config.entry_script, config.source_directory) == ("score.py", None)
    assert inside.source_directory == str(folder)
    assert config.script_path == inside.script_path == folder / "score.py"
    assert environment.to_spec() == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("my-score.py", "", "`my-score` can't be the name of a module"),
        ("class.py", "", "`class` can't be the name of a module"),
        ("score.txt", "", r"does not end in `\.py`"),
        ("wrong.py", "def init(:\n", r"Entry script `wrong\.py`:1 cannot be parsed"),
        ("nul.py", "\0", r"Entry script `nul\.py`.* cannot be parsed"),
        ("", "", "Entry script `` does not exist"),
    ],
)
def test_an_entry_script_that_azure_ml_would_refuse_is_refused(
    folder: Path, name: str, text: str, said: str
) -> None:
    if name:
        (folder / name).write_text(text)

    with pytest.raises(DefinitionError, match=said):
        InferenceConfig(entry_script=name)


def test_an_entry_script_is_in_its_source_directory(folder: Path) -> None:
    (folder / "source").mkdir()

    with pytest.raises(DefinitionError, match="does not exist"):
        InferenceConfig("score.py", source_directory="source")
    with pytest.raises(DefinitionError, match="is not in"):
        InferenceConfig("../score.py", source_directory="source")
    with pytest.raises(DefinitionError, match="Source directory `nowhere` does not exist"):
        InferenceConfig("score.py", source_directory="nowhere")


def test_what_gave_way_to_environments_is_told_so() -> None:
    assert InferenceConfig("score.py", runtime=None).environment is None
    with pytest.raises(DefinitionError, match="InferenceConfig no longer takes `conda_file`"):
        InferenceConfig("score.py", conda_file="conda.yml")
    with pytest.raises(DefinitionError, match="A str is not an environment"):
        InferenceConfig("score.py", environment="churn")  # type: ignore[arg-type]  # on purpose


@pytest.mark.slow
def test_importing_the_face_reads_no_environment_and_makes_nothing() -> None:
    home = Path(os.environ["ENVSYNC_HOME"])
    subprocess.run([sys.executable, "-c", "from envsync import Model"], check=True)

    assert not (home / "models").exists()
