"""The black-box cases of Azure ML's own server, on this machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.conformance import SUITE, make_suite, read_failures

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not SUITE.is_dir(), reason="the suite is not beside this checkout"),
]


@pytest.fixture(scope="module")
def suite(module_folder: Path, scoring_python: Path) -> Path:
    return make_suite(module_folder, scoring_python)


def drive(suite: Path, python: Path, way: str, command: str, fewest: int) -> dict[str, list[str]]:
    found = suite / "found.json"
    envsync = f"{sys.executable} -m envsync"
    arguments = ["--overrides", str(suite / "deviations.json"), "--json", str(found)]
    done = subprocess.run(
        [python, suite / "drive.py", way, f"{envsync} {command}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.is_file(), done.stderr
    return read_failures(found, fewest)


def test_serve_answers_as_azure_ml_does(suite: Path, scoring_python: Path) -> None:
    options = "--python {python} --entry-script {script} --port {port} --model-dir {model_dir}"
    assert drive(suite, scoring_python, "--server-cmd", f"serve {options}", fewest=190) == {}


def test_score_answers_as_azure_ml_does(suite: Path, scoring_python: Path) -> None:
    options = "--python {python} --entry-script {script} --model-dir {model_dir} --data {input}"
    assert drive(suite, scoring_python, "--score-cmd", f"score --raw {options}", fewest=40) == {}
