"""What locking and building leave of the process that they are called in: everything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("channel")]

SCRIPT = """
import json, logging, os, signal, sys, threading
from envsync import CondaDependencies, Environment

def look():
    return {
        "environ": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "handlers": [str(one) for one in logging.getLogger().handlers],
        "level": logging.getLogger().level,
        "threads": [one.name for one in threading.enumerate()],
        "streams": [id(sys.stdin), id(sys.stdout), id(sys.stderr)],
        "hooks": [id(sys.excepthook), id(sys.displayhook), id(threading.excepthook)],
    }

environment = Environment("guest")
environment.python.conda_dependencies = CondaDependencies.create(
    python_version=">=3.9",
    conda_packages=["six=1.17"],
    pip_packages=["httpx==0.28.1; python_version >= '3'"],
)
before = look()
environment.build_local()
after = look()
print(json.dumps({key: [before[key], after[key]] for key in before if before[key] != after[key]}))
"""


def run_script(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_that_locks_and_builds_finds_its_process_as_it_was(tmp_path: Path) -> None:
    assert json.loads(run_script(SCRIPT, tmp_path)) == {}


def test_what_a_script_imports_after_a_lock_is_its_own(tmp_path: Path) -> None:
    own = tmp_path / "lark.py"
    own.write_text("", encoding="utf-8")

    found = run_script(f"{SCRIPT}\nimport lark; print(lark.__file__)", tmp_path).splitlines()[-1]

    assert found == str(own)
