"""Ctrl-C while modules are imported: no lock of the import system may be left held."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from envsync.cli.terminal import interrupt

# Imports what is not there, which is nearly all work of the import system, again and again, and
# says how often that was to be interrupted in there, and how often elsewhere.
_IMPORT = """
import collections, signal, sys, time
from envsync.cli.terminal.interrupt import install
if sys.argv[1] == "installed":
    install()
handler = signal.getsignal(signal.SIGINT)
found = collections.Counter()
def count(number, frame):
    try:
        handler(number, frame)
    except KeyboardInterrupt:
        found[frame.f_code.co_filename == "<frozen importlib._bootstrap>"] += 1
signal.signal(signal.SIGINT, count)
signal.signal(signal.SIGALRM, count)
sys.meta_path.clear()
print(flush=True)
until = time.monotonic() + 1
while time.monotonic() < until:
    try:
        import nothing
    except ImportError:
        pass
print(found[True], found[False])
"""


def interrupt_imports(how: str) -> tuple[int, int]:
    """Return how often imports were interrupted in the import system, and outside of it."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _IMPORT, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    inside, outside = process.stdout.read().split()
    process.stdout.close()
    return int(inside), int(outside)


@pytest.mark.slow
def test_imports_are_interrupted_where_that_does_no_harm() -> None:
    assert interrupt_imports("plain")[0] > 0

    inside, outside = interrupt_imports("installed")

    assert inside == 0
    assert outside > 0


def test_what_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupt.install()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
