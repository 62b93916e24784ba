"""A debugger that attaches over the network: debugpy if the environment has it, else pdb."""

import importlib
import os
import pdb  # noqa: T100  # it is what was asked for
import socket
import sys

from .debugging import failing_place, look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable

_OURS = ["_envsync_runtime*", "importlib*", "_frozen_importlib*"]


def wait_for_debugger(
    host: str, port: int, entry_script: str
) -> "Callable[[BaseException], None] | None":
    """Listen at *host* and *port* until a debugger is attached.

    Return what to call with an exception of the script's, None where the debugger sees for itself.

    Raises:
        OSError: the port is taken.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a warning of no use here
    try:
        debugpy = importlib.import_module("debugpy")
    except ImportError:
        return _wait_for_terminal(host, port, entry_script)
    try:
        debugpy.listen((host, port))
    except RuntimeError as error:
        raise OSError(str(error)) from error
    _say("debugpy listens at {}:{}; the script is loaded once VS Code attaches", host, port)
    debugpy.wait_for_client()
    return None


def _wait_for_terminal(
    host: str, port: int, entry_script: str
) -> "Callable[[BaseException], None]":
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1)
    _say("pdb listens at {0}:{1}; the script is loaded once `nc {0} {1}` attaches", host, port)
    debugger = _SocketDebugger(listener, entry_script)
    debugger.attach()
    if hasattr(sys, "breakpointhook"):
        sys.breakpointhook = debugger.on_breakpoint
    debugger.set_trace(sys._getframe())  # noqa: SLF001  # pdb's own way
    return debugger.on_failure


def _say(text: str, *values: object) -> None:
    sys.stderr.write(text.format(*values) + "\n")
    sys.stderr.flush()


class _Terminal:
    """A client's end of the debugger; one that has gone says nothing more."""

    def __init__(self, sock: socket.socket) -> None:
        self._stream = sock.makefile("rw", encoding="utf-8", errors="replace")
        self._sock = sock

    def readline(self) -> str:
        try:
            return self._stream.readline()
        except OSError:
            return ""

    def write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except OSError:
            return

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            return

    def close(self) -> None:
        self._sock.close()


class _SocketDebugger(pdb.Pdb):
    """pdb for who connects to *listener*; it first stops in *entry_script*.

    Who quits or hangs up lets the script go on, and may come again for the next `breakpoint()`.
    """

    def __init__(self, listener: socket.socket, entry_script: str) -> None:
        self._listener = listener
        self._first = os.path.realpath(entry_script)
        self._client: "_Terminal | None" = None
        super().__init__(skip=_OURS, stdin=sys.stdin, stdout=sys.stdout, nosigint=True)

    def attach(self) -> None:
        """Wait for a client, unless there is one."""
        if self._client is None:
            self._client = _Terminal(self._listener.accept()[0])
            self.stdin = self.stdout = self._client  # type: ignore[assignment]  # enough of a stream

    def on_breakpoint(self, *_: object, **__: object) -> None:
        """Stop where the script calls `breakpoint()`."""
        self._first = ""
        self.attach()
        self.set_trace(sys._getframe(1))  # noqa: SLF001  # pdb's own way

    def on_failure(self, error: BaseException) -> None:
        """Let the client look at the frames of *error*, if there is one."""
        place = failing_place(error)
        if place is not None and self._client is not None:
            look_at(error, place, self._client, self._client)

    def user_call(self, frame: "FrameType", argument_list: "Any") -> None:
        if not self._first:
            super().user_call(frame, argument_list)

    def user_line(self, frame: "FrameType") -> None:
        if self._is_wanted(frame):
            super().user_line(frame)

    def user_opcode(self, frame: "FrameType") -> None:
        """From Python 3.14 on, `set_trace` stops within the line that calls it."""
        if self._is_wanted(frame):
            self.interaction(frame, None)
        else:
            self.set_step()

    def user_return(self, frame: "FrameType", return_value: "Any") -> None:
        if self._is_wanted(frame):
            super().user_return(frame, return_value)

    def user_exception(self, frame: "FrameType", exc_info: "Any") -> None:
        if self._is_wanted(frame):
            super().user_exception(frame, exc_info)

    def do_quit(self, arg: str) -> bool:
        """Detach: the script goes on without a debugger."""
        del arg
        self.clear_all_breaks()
        self.set_continue()
        if self._client is not None:
            self._client.close()
            self._client = None
        return True

    do_q = do_exit = do_EOF = do_quit  # noqa: N815  # pdb's own names

    def _is_wanted(self, frame: "FrameType") -> bool:
        """Say whether to stop in *frame*: not before the script's own first line."""
        if self._first and os.path.realpath(frame.f_code.co_filename) != self._first:
            return False
        self._first = ""
        return True
