"""The black-box cases of Azure ML's own server, in containers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.conformance import SUITE, make_suite, read_failures
from support.workbench import BASE, open_workbench, why_not

if TYPE_CHECKING:
    from pathlib import Path

    from channel import Served

# What the cases' scripts import, in the versions that train their models.
PACKAGES = ("inference-schema", "joblib", "numpy", "pandas", "scikit-learn")
VERSIONS = """
import sys
from importlib.metadata import version
print(*(f"{name}=={version(name)}" for name in sys.argv[1:]))
"""
# The variables that a case gives to its server become those of the definition. The file in which
# a script counts its calls is one of the container, which begins without it.
SERVE = """
import json, os, sys
known, folder, *command = sys.argv[1:]
extra = {name: value for name, value in os.environ.items() if name not in json.loads(known)}
if "COUNT_FILE" in extra:
    extra["COUNT_FILE"] = "/tmp/count"
with open(folder + "/azureml_environment.json", "w") as stream:
    json.dump({"name": "churn", "environmentVariables": extra}, stream)
os.execv(command[0], command)
"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(not SUITE.is_dir(), reason="the suite is not beside this checkout"),
]


def test_containers_answer_as_azure_ml_does(
    served_channel: Served, rattler_cache: Path, scoring_python: Path, tmp_path: Path
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    suite = make_suite(tmp_path, scoring_python)
    asked = (scoring_python, "-c", VERSIONS, *PACKAGES)
    pins = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    (tmp_path / "serve.py").write_text(SERVE)
    found = tmp_path / "found.json"
    with open_workbench(served_channel, rattler_cache, tmp_path, pins) as bench:
        known = json.dumps([*bench.env, "PYTHONUNBUFFERED"])
        serve = (sys.executable, "-m", "envsync", "serve", str(bench.definition), "--docker")
        given = ("--entry-script", "{script}", "--port", "{port}", "--model-dir", "{model_dir}")
        start = (sys.executable, str(tmp_path / "serve.py"), known, str(bench.definition))
        command = [f"'{word.replace('{', '{{').replace('}', '}}')}'" for word in start]
        command += [*serve, "--base", BASE, *given]
        options = ("--overrides", str(suite / "deviations.json"), "--json", str(found))
        done = bench.start(
            sys.executable, str(suite / "drive.py"), "--server-cmd", " ".join(command), *options
        )
        stdout, stderr = done.communicate(timeout=900)
        left = bench.containers()

    assert found.is_file(), stdout + stderr
    assert read_failures(found, fewest=190) == {}
    assert left == []
