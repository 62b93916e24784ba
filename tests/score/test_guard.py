"""The first process of a container, on every Python that it may run under."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from envsync.score.command import RUNTIME

if TYPE_CHECKING:
    from pathlib import Path

# Many short sleeps, as a signal right before a long one would be heeded after it.
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: {})
print(1, flush=True)
for _ in range(600): time.sleep(0.1)
"""


def start(python: Path, until: str, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, "-I", "-S", "-B", RUNTIME / "guard.py", until, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("ending", "status"), [("exit 7", 7), ("kill -9 $$", 137), ("true", 0)])
def test_the_status_of_the_server_is_its_own(any_python: Path, ending: str, status: int) -> None:
    with start(any_python, "wait", "sh", "-c", ending) as guard:
        guard.communicate(timeout=30)

    assert guard.returncode == status


def test_signals_are_handed_on(any_python: Path) -> None:
    code = STUBBORN.format("exit(5)")
    with start(any_python, "wait", str(any_python), "-c", code) as guard:
        assert guard.stdout is not None
        guard.stdout.readline()
        guard.send_signal(signal.SIGTERM)
        guard.communicate(timeout=30)

    assert guard.returncode == 5


def test_the_server_stops_when_nobody_holds_its_stdin(any_python: Path) -> None:
    code = STUBBORN.format("exit(6)")
    with start(any_python, "stdin", str(any_python), "-c", code) as guard:
        assert guard.stdout is not None
        guard.stdout.readline()
        guard.communicate(timeout=30)

    assert guard.returncode == 6


def test_a_program_that_is_not_there_is_said(python: Path) -> None:
    with start(python, "wait", "/not/there") as guard:
        _, stderr = guard.communicate(timeout=30)

    assert guard.returncode == 127
    assert stderr == "Error: Cannot run `/not/there`: No such file or directory\n"


def test_the_server_has_nothing_to_read(python: Path) -> None:
    with start(python, "wait", "sh", "-c", "readlink /proc/self/fd/0") as guard:
        stdout, _ = guard.communicate(timeout=30)

    assert stdout == f"{os.devnull}\n"
