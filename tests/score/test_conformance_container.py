"""Some of the black-box cases that were recorded from Azure ML's own server, in containers."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workbench import BASE, open_workbench, why_not

if TYPE_CHECKING:
    from channel import Served

SUITE = Path(__file__).resolve().parents[2] / ".." / "shared" / "conformance"
# Those whose scripts need nothing but Python.
PROFILES = (
    "argtype",
    "bad_import",
    "contract",
    "contract_catch",
    "counter",
    "default_param",
    "echo",
    "env",
    "headers",
    "init_raises",
    "no_init",
    "no_run",
    "raises",
    "raw",
    "raw_contrib",
    "returns",
    "run_no_args",
    "slow_init",
    "sysexit",
    "threads",
    "timeout",
    "user_logging",
    "workers1",
    "workers2",
)

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
    served_channel: Served, rattler_cache: Path, tmp_path: Path
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    suite = tmp_path / "conformance"
    shutil.copytree(SUITE, suite)
    (tmp_path / "serve.py").write_text(SERVE)
    with open_workbench(served_channel, rattler_cache, tmp_path) as bench:
        known = json.dumps([*bench.env, "PYTHONUNBUFFERED"])
        serve = (sys.executable, "-m", "envsync", "serve", str(bench.definition), "--docker")
        given = ("--entry-script", "{script}", "--port", "{port}", "--model-dir", "{model_dir}")
        start = (sys.executable, str(tmp_path / "serve.py"), known, str(bench.definition))
        command = [f"'{word.replace('{', '{{').replace('}', '}}')}'" for word in start]
        command += [*serve, "--base", BASE, *given]
        options = ("--tags", "must", "--only", f"^({'|'.join(PROFILES)})/", "--json", "found.json")
        done = bench.start(
            sys.executable, str(suite / "drive.py"), "--server-cmd", " ".join(command), *options
        )
        stdout, stderr = done.communicate(timeout=300)
        left = bench.containers()
    cases = json.loads((tmp_path / "found.json").read_text())

    assert len(cases) > 40, stdout + stderr
    assert {case["name"]: case["errors"] for case in cases if not case["ok"]} == {}
    assert left == []
