"""Ctrl-C, at a moment when it does no harm."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130  # the exit status

_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
_PAUSE_SECONDS = 0.005


def install() -> None:
    """Let Ctrl-C raise `KeyboardInterrupt`, as it does by itself, but never in the import system.

    That holds locks now and then. An exception between taking and giving back leaves one held, or
    is swallowed with a remark; the next import, in whichever thread, then waits for ever.
    Where Ctrl-C is ignored, as the shell has it for what runs in the background, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    signal.signal(signal.SIGINT, _interrupt)
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number
    if (
        frame is not None
        and frame.f_code.co_filename == _IMPORT_SYSTEM
        and hasattr(signal, "setitimer")
    ):
        signal.setitimer(signal.ITIMER_REAL, _PAUSE_SECONDS)
        return
    raise KeyboardInterrupt
