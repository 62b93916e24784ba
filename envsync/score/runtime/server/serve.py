"""The server's way in: what needs little comes first, and the rest while a worker loads."""

import os
import signal
import sys

from .process.handover import Handover, take_over
from .process.listeners import explain_address, open_listeners
from .process.settings import Settings, UsageError
from .process.signals import caught_signals
from .workers.spawning import Spawned, worker_command

_FAILED = 1
_WRONG = 2
_STDERR = 2


def main(arguments: "list[str]") -> int:
    """Serve as *arguments* say until a signal ends it; return the exit status."""
    _fill_standard_streams()
    try:
        settings = Settings(arguments, os.environ)
    except UsageError as error:
        return _print_error(str(error), None, _WRONG)
    listeners, tie = take_over(settings.take_over)
    try:
        listeners = listeners or open_listeners(settings.host, settings.port)
    except OSError as error:
        return _print_error(*explain_address(error, settings.host, settings.port), status=_FAILED)
    command = worker_command(settings)
    caught = []  # type: list[int]
    for number in caught_signals(settings):  # until the server catches them itself
        signal.signal(number, lambda told, _: caught.append(told))
    first = Spawned(command)
    from .server import Server  # noqa: PLC0415  # meanwhile the worker loads the script

    server = Server(settings, listeners, command, Handover(settings.control, tie))
    explanation = server.serve(first, caught)
    if explanation is None:
        return 0
    status = _WRONG if explanation.is_definition else _FAILED
    return _print_error(explanation.message, explanation.hint, status)


def _fill_standard_streams() -> None:
    """Open what the caller closed, lest a pipe or a socket gets its number and is written to."""
    opened = os.open(os.devnull, os.O_RDWR)
    while opened <= _STDERR:  # the lowest number that is free
        os.set_inheritable(opened, True)  # noqa: FBT003  # the library's signature
        opened = os.open(os.devnull, os.O_RDWR)
    os.close(opened)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115  # it stays open
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115  # it stays open


def _print_error(message: str, hint: "str | None", status: int) -> int:
    sys.stderr.write("Error: {}\n".format(message))
    if hint:
        sys.stderr.write("Hint: {}\n".format(hint))
    return status
