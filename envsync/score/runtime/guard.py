"""The first process of a container: starts the server, hands signals on, and sees to orphans.

Started as `<python> -I -S -B <this file> wait|stdin COMMAND...`. With `stdin` the server is told
to stop when nobody holds the other end of stdin any longer.
"""

import os
import signal
import sys
import threading

_HANDED_ON = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2")


def main(arguments: "list[str]") -> int:
    """Run the command in *arguments* to its end; return its status."""
    until, command = arguments[0], arguments[1:]
    child = _start(command)
    for name in _HANDED_ON:
        signal.signal(getattr(signal, name), lambda number, _: _send(child, number))
    if until == "stdin":
        threading.Thread(target=_stop_with_stdin, args=(child,), daemon=True).start()
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            return _status(status)


def _start(command: "list[str]") -> int:
    child = os.fork()
    if child:
        return child
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.execvp(command[0], command)  # noqa: S606  # the command that it was given
    except OSError as error:
        sys.stderr.write("Error: Cannot run `{}`: {}\n".format(command[0], error.strerror))
        sys.stderr.flush()
    os._exit(127)


def _stop_with_stdin(child: int) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass  # closed in another way
    _send(child, signal.SIGTERM)


def _send(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except OSError:
        return  # it has just ended


def _status(status: int) -> int:
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # whatever a thread still waits for
