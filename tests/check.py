"""Run everything that must pass before a change lands: `python3 tests/check.py`.

It makes a virtual environment of its own first, so that any Python from 3.10 on will do.
Arguments are handed to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bootstrap import CHECKOUT, StepFailedError, enter_venv, say

_STEPS = (
    ("ruff format", ("ruff", "format", "--check")),
    ("ruff check", ("ruff", "check")),
    ("mypy", ("mypy",)),
    ("lint-imports", ("lint-imports",)),
    ("deptry", ("deptry", ".")),
    ("codespell", ("codespell",)),
)
# Tests of one file stay together: they share what is costly to make. Files with few tests would
# come last otherwise, and the longest test of all is alone in its file.
_SHARED_OUT = ("--dist", "loadfile", "--no-loadscope-reorder")
_PYTEST = ("pytest", "-n", "2", *_SHARED_OUT, "--durations", "10")


def main(arguments: list[str]) -> int:
    """Run every step, whatever the others said, and return 1 if one of them failed."""
    try:
        enter_venv("dev")
    except StepFailedError as error:
        say(f"Error: {error}")
        return 1
    failed: list[str] = []
    seconds: dict[str, float] = {}
    for name, command in (*_STEPS, ("pytest", (*_PYTEST, *arguments))):
        if name == "pytest":
            _summarize(failed, seconds)
        say(f"\n$ {' '.join(command)}")
        start = time.monotonic()
        if subprocess.call(command, cwd=CHECKOUT, env=_environment()) != 0:
            failed.append(name)
        seconds[name] = time.monotonic() - start
    if failed and failed != [
        "pytest"
    ]:  # pytest's closing line stays the last where all else passed
        say(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    """Return the variables of the steps, which keep their bytecode: it is a third of the time."""
    kept = {name: it for name, it in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "COLUMNS": "100"}


def _summarize(failed: list[str], seconds: dict[str, float]) -> None:
    say()
    for name, took in seconds.items():
        say(f"{name:<14}{took:6.1f} s  {'FAILED' if name in failed else 'passed'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
