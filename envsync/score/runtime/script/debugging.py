"""The debugger at the frame that failed."""

import os
import sys

from ..protocol.home import is_own_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_TERMINAL = "CON" if os.name == "nt" else "/dev/tty"


def post_mortem(error: BaseException) -> None:
    """Let the person at the terminal look at the frames of *error*; return when they quit."""
    place = failing_place(error)
    if place is None:
        return
    try:
        terminal_in = open(_TERMINAL, encoding="utf-8")  # noqa: SIM115  # closed below
        terminal_out = open(_TERMINAL, "w", encoding="utf-8")  # noqa: SIM115
    except OSError as failure:
        sys.stderr.write("No terminal for the debugger: {}\n".format(failure))
        return
    with terminal_in, terminal_out:
        look_at(error, place, terminal_in, terminal_out)


def look_at(
    error: BaseException, place: "TracebackType", terminal_in: "Any", terminal_out: "Any"
) -> None:
    """Open pdb at *place* for who is at the other end of the two streams."""
    import pdb  # noqa: PLC0415, T100  # it is what was asked for

    terminal_out.write("{}: {}\n".format(type(error).__name__, error))
    debugger = pdb.Pdb(stdin=terminal_in, stdout=terminal_out, nosigint=True)
    debugger.reset()
    debugger.interaction(None, place)


def failing_place(error: BaseException) -> "TracebackType | None":
    """Return where *error* came up in code that is not ours, None if it never did."""
    place = error.__traceback__
    while place is not None and is_own_frame(place.tb_frame.f_code.co_filename):
        place = place.tb_next
    return place
