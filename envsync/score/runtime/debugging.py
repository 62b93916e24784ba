"""The debugger at the frame that failed."""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TERMINAL = "CON" if os.name == "nt" else "/dev/tty"


def post_mortem(error: BaseException) -> None:
    """Let the person at the terminal look at the frames of *error*; return when they quit."""
    import pdb  # noqa: PLC0415, T100  # it is what was asked for

    place = error.__traceback__
    while place is not None and _is_ours(place.tb_frame.f_code.co_filename):
        place = place.tb_next
    if place is None:
        return
    try:
        terminal_in = open(_TERMINAL, encoding="utf-8")  # noqa: SIM115  # closed below
        terminal_out = open(_TERMINAL, "w", encoding="utf-8")  # noqa: SIM115
    except OSError as failure:
        sys.stderr.write("No terminal for the debugger: {}\n".format(failure))
        return
    with terminal_in, terminal_out:
        terminal_out.write("{}: {}\n".format(type(error).__name__, error))
        debugger = pdb.Pdb(stdin=terminal_in, stdout=terminal_out, nosigint=True)
        debugger.reset()
        debugger.interaction(None, place)


def _is_ours(filename: str) -> bool:
    return filename.startswith((_HERE, "<frozen importlib"))
