"""Models that don't fit what is installed, told as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ask

pytestmark = pytest.mark.slow

LOAD = """
    import os
    import joblib
    import pickle

    def init():
        with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"), "rb") as stream:
            {load}

    def run(raw_data):
        return 1
"""
PIN = "pin the versions that the model was saved with, or save it again with these"
# What older releases of scikit-learn and numpy wrote, and what they read no more.
OLD = {
    "a module that went": b"csklearn.linear_model.base\nLinearRegression\n)R.",
    "a class that went": b"csklearn.linear_model\nRandomizedLasso\n)R.",
    "a newer numpy": b"cnumpy._kore.multiarray\n_reconstruct\n)R.",
    "a newer pickle": b"\x80\x63.",
    "other bytes": b"PK\x03\x04",
}


@pytest.mark.parametrize("content", OLD.values(), ids=OLD)
@pytest.mark.parametrize("load", ["pickle.load(stream)", "joblib.load(stream)"])
def test_a_model_of_another_version_is_told_so(
    ask: Ask, scoring_python: Path, tmp_path: Path, content: bytes, load: str
) -> None:
    (tmp_path / "model.pkl").write_bytes(content)

    with pytest.raises(EnvsyncError) as caught:
        ask(scoring_python, LOAD.format(load=load), "{}", model_dir=tmp_path)

    assert caught.value.hint == PIN
    assert "A model was being loaded; what is imported: " in caught.value.message
    assert "joblib 1." in caught.value.message


def test_a_package_that_a_model_needs_and_nobody_has_is_to_be_added(
    ask: Ask, scoring_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cabsent_package\nModel\n)R.")

    with pytest.raises(EnvsyncError, match="No module named 'absent_package'") as caught:
        ask(scoring_python, LOAD.format(load="joblib.load(stream)"), "{}", model_dir=tmp_path)

    assert caught.value.hint is not None
    assert caught.value.hint.startswith("add the package that has it")


def test_a_missing_model_is_not_taken_for_an_old_one(
    ask: Ask, scoring_python: Path, tmp_path: Path
) -> None:
    script = LOAD.format(load="pickle.load(stream)").replace("model.pkl", "gone.pkl")

    with pytest.raises(EnvsyncError, match=r"FileNotFoundError.*gone\.pkl") as caught:
        ask(scoring_python, script, "{}", model_dir=tmp_path)

    assert caught.value.hint == "give the directory of the model with `--model-dir`"


def test_a_failure_to_import_a_library_that_loads_models_is_no_old_model(
    ask: Ask, scoring_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "joblib_of_ours.py").write_text("import pickle\nraise NameError('joblib')\n")
    script = LOAD.replace("import joblib", "import joblib_of_ours").format(load="pass")

    with pytest.raises(EnvsyncError, match="NameError: joblib") as caught:
        ask(scoring_python, script, "{}", model_dir=tmp_path)

    assert "A model was being loaded" not in caught.value.message


def test_where_no_model_was_given_that_is_what_to_do(ask: Ask, scoring_python: Path) -> None:
    script = """
        import os
        import joblib

        def init():
            joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))

        def run(raw_data):
            return 1
    """
    with pytest.raises(EnvsyncError, match="KeyError: 'AZUREML_MODEL_DIR'") as caught:
        ask(scoring_python, script, "{}")

    assert caught.value.hint == "give the directory of the model with `--model-dir`"
    assert "A model was being loaded" not in caught.value.message


def test_a_script_that_fails_before_init_is_not_asked_for_a_model(ask: Ask, python: Path) -> None:
    with pytest.raises(EnvsyncError, match="cannot be imported: NameError") as caught:
        ask(python, "def init(): pass\ndef run(d): pass\nmisspelt\n", "{}")
    assert caught.value.hint is None
