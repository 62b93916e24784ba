"""Loading changed source while it changes again, fails, or fails for one worker of several."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.served import serve_script, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

OLD = """
import time

def init():
    pass

def run(d):
    time.sleep(float(d or 0))
    return "old"
"""
NEW = "def init(): pass\ndef run(d): return 'new'\n"
SLOWLY_BROKEN = """
import time

def init():
    print("this will fail", flush=True)
    time.sleep(1)
    raise ValueError("broken")

def run(d):
    return "broken"
"""
MENDED = """
import os, time

def init():
    time.sleep(1.5)

def run(d):
    return os._exit(3) if d == "die" else "mended"
"""
LUCKY_ONCE = """
import os, time

def init():
    time.sleep(0.3)
    try:
        os.mkdir("lucky")
    except FileExistsError:
        time.sleep(1)
        if not os.path.exists("mended"):
            raise

def run(d):
    return "new"
"""


def test_source_that_is_mended_while_it_fails_to_load_is_kept_alive(
    python: Path, tmp_path: Path
) -> None:
    with serve_script(python, tmp_path, OLD, "--reload", "yes") as served:
        served.script_path.write_text(SLOWLY_BROKEN)
        served.wait_for_log("this will fail")
        served.script_path.write_text(MENDED)
        wait_until(lambda: served.ask(body="").json == "mended", "the mended code", served)
        assert served.ask(body="die").status == 500
        assert served.ask(body="").json == "mended"


def test_a_worker_that_fails_to_load_does_not_take_the_others_with_it(
    python: Path, tmp_path: Path
) -> None:
    options = ("--reload", "yes", "--workers", "2")
    with serve_script(python, tmp_path, OLD, *options) as served:
        served.wait_for_log("has loaded the entry script", count=2)
        busy = threading.Thread(target=lambda: served.ask(body="3"))
        busy.start()
        served.script_path.write_text(LUCKY_ONCE)
        served.wait_for_log("The entry script cannot be loaded")
        assert served.ask(body="").json == "new"
        (tmp_path / "mended").touch()
        busy.join()
        wait_until(lambda: len(served.worker_pids()) == 2, "two workers", served)
        assert served.ask(body="").json == "new"


def test_a_script_that_empties_the_import_path_is_served(python: Path, tmp_path: Path) -> None:
    script = "import sys\ndef init(): sys.path.clear()\ndef run(d): return d\n"
    with serve_script(python, tmp_path, script) as served:
        assert served.ask(body="a").json == "a"


def test_modules_of_a_script_that_extends_the_import_path_are_watched(
    python: Path, tmp_path: Path
) -> None:
    (tmp_path / "source" / "parts").mkdir(parents=True)
    part = tmp_path / "source" / "parts" / "part.py"
    part.write_text("WORD = 'old'\n")
    script = """
        import sys
        sys.path.insert(0, "/nowhere")
        from parts.part import WORD

        def init():
            pass

        def run(d):
            return WORD
    """
    options = ("--reload", "yes", "--app-root", "/")
    with serve_script(python, tmp_path / "source", script, *options) as served:
        assert served.ask(body="").json == "old"
        part.write_text("WORD = 'the new'\n")
        wait_until(lambda: served.ask(body="").json == "the new", "the new code", served)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Give a package in the source folder, which is not below the app root."""
    (tmp_path / "root").mkdir()
    folder = tmp_path / "source" / "parts"
    folder.mkdir(parents=True)
    return folder


def test_a_module_that_could_not_be_loaded_yet_is_watched(python: Path, parts: Path) -> None:
    options = ("--reload", "yes", "--app-root", str(parts.parents[1] / "root"))
    with serve_script(python, parts.parent, OLD, *options) as served:
        (parts / "broken.py").write_text("def broken(:\n")
        served.script_path.write_text("import parts.broken, parts.missing\n" + NEW)
        served.wait_for_log("the old goes on")
        (parts / "broken.py").write_text("mended = True\n")
        served.wait_for_log("No module named 'parts.missing'")
        (parts / "missing.py").touch()
        wait_until(lambda: served.ask(body="").json == "new", "the new code", served)


def test_source_is_loaded_once_for_each_change(python: Path, parts: Path) -> None:
    (parts / "part.py").touch()
    options = ("--reload", "yes", "--app-root", str(parts.parents[1] / "root"))
    with serve_script(python, parts.parent, "import parts.part\n" + OLD, *options) as served:
        served.script_path.write_text(NEW)
        wait_until(lambda: served.ask(body="").json == "new", "the new code", served)
        time.sleep(1.2)  # it looks twice a second
        assert served.log.count("Loading the entry script again") == 1
