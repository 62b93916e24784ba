"""Every example definition, from its files to a prediction."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envsync.definition import load, save
from envsync.lock.reader import load_lockfile

SPECS = Path(__file__).resolve().parents[1] / "specs"
NAMES = sorted(path.name for path in SPECS.iterdir() if path.is_dir())
TUTORIAL_REQUEST = "oracle/tutorial-request.json"


def envsync(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "envsync", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_written_as_the_sdk_would_write_it(name: str, tmp_path: Path) -> None:
    loaded = load(SPECS / name)

    save(loaded.spec, tmp_path / name, overwrite=False)

    assert loaded.warnings == ()
    for file in ("azureml_environment.json", "conda_dependencies.yml"):
        assert (tmp_path / name / file).read_bytes() == (SPECS / name / file).read_bytes()


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize("name", NAMES)
def test_an_example_predicts_what_it_says(name: str, tmp_path: Path) -> None:
    kept = shutil.ignore_patterns("model", "conda-lock.yml", "__pycache__")
    shutil.copytree(SPECS / name, tmp_path / name, ignore=kept)

    envsync("lock", name, cwd=tmp_path)
    assert load_lockfile(tmp_path / name / "conda-lock.yml").subdirs == ("linux-64",)
    assert envsync("check", name, cwd=tmp_path) == f"`{name}/conda-lock.yml` is fresh\n"
    envsync("build-local", name, cwd=tmp_path)
    envsync("run", name, "python", f"{name}/train.py", cwd=tmp_path)
    answer = envsync("score", name, "--data", f"{name}/sample-request.json", cwd=tmp_path)

    expected = json.loads((tmp_path / name / "expected-response.json").read_text())
    assert json.loads(answer)["result"] == pytest.approx(expected["result"], rel=1e-6)


def test_the_sample_of_sklearn_mnist_is_the_tutorials_own_request(shared: Path) -> None:
    sample = json.loads((SPECS / "sklearn-mnist" / "sample-request.json").read_text())

    assert sample == json.loads((shared / TUTORIAL_REQUEST).read_text())
