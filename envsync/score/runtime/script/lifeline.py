"""A worker's tie to its supervisor: neither outlives the other."""

import signal
import sys

_SET_DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG


def end_with_parent() -> None:
    """Let the system end this process when its parent dies, whatever the script does then.

    Elsewhere than on Linux a worker notices once it looks for the next request.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes  # noqa: PLC0415  # Linux alone needs it

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return  # a Python without it
