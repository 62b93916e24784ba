"""What starting the runtime leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from envsync.model.scoring.target import Interpreter, ScoringTarget
from envsync.score.command import RUNTIME, runtime_command

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from conftest import Ask


def start_copy(folder: Path, python: Path) -> tuple[set[str], set[str]]:
    """Start a copy of the runtime; return what is then compiled of it, and of the script."""
    runtime = folder / "runtime"
    shutil.copytree(RUNTIME, runtime, ignore=shutil.ignore_patterns("__pycache__"))
    source = folder / "source"
    source.mkdir()
    (source / "score.py").write_text("import helper\ndef init(): pass\ndef run(x): return x\n")
    (source / "helper.py").write_text("")
    target = ScoringTarget(
        interpreter=Interpreter(python=python),
        entry_script=source / "score.py",
        app_root=source,
    )
    env = {name: at for name, at in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = runtime_command("worker", target, runtime=runtime)
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    compiled = {path.name.split(".")[0] for path in runtime.rglob("*.pyc")}
    return compiled, {path.name for path in source.rglob("*.pyc")}


def test_the_runtime_is_compiled_once_and_the_script_is_left_alone(
    tmp_path: Path, any_python: Path
) -> None:
    of_runtime, of_script = start_copy(tmp_path, any_python)

    assert {"worker", "caller", "wire"} <= of_runtime
    assert of_script == set()


def test_a_runtime_that_cannot_be_written_beside_works_all_the_same(
    tmp_path: Path, python: Path
) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    start_copy(folder, python)
    caches = list((folder / "runtime").rglob("__pycache__"))
    assert caches
    for cache in caches:
        shutil.rmtree(cache)
        cache.write_text("no folder")

    command = (str(python), "-B", str(folder / "runtime" / "__main__.py"), "worker")
    script = ("--entry-script", str(folder / "source" / "score.py"))
    env = {name: at for name, at in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [*command, *script], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_what_the_script_left_to_the_end_still_happens(
    ask: Ask, any_python: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = """
        import atexit, sys, threading, time

        def late():
            time.sleep(0.1)
            sys.stderr.write("thread\\n")

        def init():
            atexit.register(lambda: sys.stdout.write("exit without a line end"))

        def run(raw_data):
            threading.Thread(target=late).start()
            return 1
    """
    answers = ask(any_python, script, "")
    assert [answer.body for answer in answers] == [b"1"]
    assert capfd.readouterr().err == "thread\nexit without a line end"


def test_a_script_that_wants_every_warning_gets_none_of_ours(
    ask: Ask, any_python: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = """
        import warnings

        def init():
            warnings.simplefilter("always")

        def run(raw_data):
            return 1
    """
    assert [answer.body for answer in ask(any_python, script, "")] == [b"1"]
    assert capfd.readouterr().err == ""


def test_a_failure_at_the_end_is_told_once_and_changes_no_answer(
    ask: Ask, any_python: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = """
        import atexit

        def fail():
            raise ValueError("at the end")

        def init():
            atexit.register(fail)

        def run(raw_data):
            return 1
    """
    answers = ask(any_python, script, "")
    assert [answer.body for answer in answers] == [b"1"]
    assert capfd.readouterr().err.count("ValueError: at the end") == 1
