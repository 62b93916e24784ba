from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def checkout(module_folder: Path) -> Path:
    """Return a copy of this checkout, as the walk leaves locks and models in `specs/`."""
    copy = module_folder / "checkout"
    for name, left_out in (("envsync", ()), ("specs", ("model", "*-lock.yml")), ("tests", ())):
        ignored = shutil.ignore_patterns("__pycache__", *left_out)
        shutil.copytree(CHECKOUT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(CHECKOUT / name, copy)
    return copy


def _walk(checkout: Path, cache: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "tests/walk.py", *arguments],
        cwd=checkout,
        env={**os.environ, "ENVSYNC_TEST_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.e2e
def test_the_walk_ends_with_a_prediction_of_each_definition(
    checkout: Path, lasting_cache: Path, tmp_path: Path
) -> None:
    options = ["--all", "--channel", "embedded", "--home", str(tmp_path / "home")]

    status, output = _walk(checkout, lasting_cache, *options)

    assert status == 0, output
    assert "This channel stands in for conda-forge" in output
    assert '\n{"result": [206.11' in output
    assert '\n{"result": [2]}\n' in output
    assert (tmp_path / "home/envs/sklearn-mnist/bin/python").exists()


@pytest.mark.e2e
def test_the_walk_names_the_step_that_failed(
    checkout: Path, lasting_cache: Path, tmp_path: Path
) -> None:
    script = checkout / "specs/sklearn-diabetes/score.py"
    script.write_text("def init():\n    pass\n", encoding="utf-8")
    options = ["--channel", "embedded", "--home", str(tmp_path / "home")]

    status, output = _walk(checkout, lasting_cache, *options)

    assert status == 1
    assert output.splitlines()[-1].startswith("Error: `envsync score specs/sklearn-diabetes")


def test_an_argument_that_the_walk_does_not_know_is_refused(
    checkout: Path, lasting_cache: Path
) -> None:
    status, output = _walk(checkout, lasting_cache, "--nonsense")

    assert status == 2
    assert "--nonsense" in output
