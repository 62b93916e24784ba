"""The server: sockets that listen, signals, and the loop that holds it all together."""

import os
import signal
import socket
import sys
import time

from . import explain
from .application import Application
from .connection import Connection
from .crew import Crew
from .event_loop import READ, EventLoop
from .log import AccessLog, say
from .reload import SourceWatch
from .settings import Settings, UsageError
from .worker_process import worker_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKLOG = 1024
_MOST_CONNECTIONS = 900
_AT_ONCE = 64
_LONGEST_WAIT = 1.0
_EVERY = 0.05
_FAILED = 1
_WRONG = 2


def main(arguments: "list[str]") -> int:
    """Serve as *arguments* say until a signal ends it; return the exit status."""
    try:
        settings = Settings(arguments, os.environ)
    except UsageError as error:
        return _print_error(str(error), None, _WRONG)
    try:
        listeners = open_listeners(settings.host, settings.port)
    except OSError as error:
        return _print_error(*_explain_address(error, settings), status=_FAILED)
    return Server(settings, listeners).serve()


class Server:
    """Serves on *listeners* as *settings* say."""

    def __init__(self, settings: Settings, listeners: "list[socket.socket]") -> None:
        self._settings = settings
        self._listeners = listeners
        self._loop = EventLoop()
        self._log = AccessLog(enabled=settings.access_log)
        self._application = Application(settings, self._log)
        runtime = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
        command = worker_command(
            runtime, settings.entry_script, settings.app_root, settings.model_dir
        )
        self._crew = Crew(command, settings.workers, self._loop, self._application)
        self._application.crew = self._crew
        self._signals = []  # type: list[int]
        self._stop_at = None  # type: float | None
        self._accepting = False
        self._is_announced = False
        self._swept_at = time.monotonic()
        self._watch = None  # type: SourceWatch | None
        if settings.reload:
            directories = (os.path.dirname(settings.entry_script), settings.app_root)
            self._watch = SourceWatch(directories)

    def serve(self) -> int:
        """Serve until a signal ends it, or the script can't be loaded."""
        self._crew.start()
        self._catch_signals()
        self._accept_more()
        looked_at = 0.0
        while True:
            self._loop.turn(self._patience())
            if self._signals:
                self._handle_signals()
            now = self._loop.now
            if now - looked_at < _EVERY and self._is_announced and not self._stop_at:
                continue
            looked_at = now
            if self._crew.fatal is not None and self._crew.script is None:
                return self._give_up(self._crew.fatal)
            self._housekeeping(now)
            if self._is_over():
                self._end()
                return 0

    def _catch_signals(self) -> None:
        here, there = socket.socketpair()
        for sock in (here, there):
            sock.setblocking(False)  # noqa: FBT003  # the library's signature
        self._wakeup = (here, there)
        signal.set_wakeup_fd(there.fileno())
        self._loop.watch(here, READ, lambda _: _drain(here))
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                signal.signal(number, lambda caught, _: self._signals.append(caught))

    def _handle_signals(self) -> None:
        while self._signals:
            caught = self._signals.pop(0)
            if caught == getattr(signal, "SIGCHLD", None):
                self._crew.reap()
            elif caught == getattr(signal, "SIGHUP", None):
                self._reload("SIGHUP")
            else:
                self._stop()

    def _stop(self) -> None:
        """Take no more requests and let those that are there end; asked again, stop at once."""
        if self._stop_at is not None:
            self._stop_at = time.monotonic()
            return
        say("INFO", "Stopping: {} connections".format(len(self._application.connections)))
        self._stop_at = time.monotonic() + self._settings.grace
        self._application.is_draining = True
        for listener in self._listeners:
            if self._accepting:
                self._loop.forget(listener)
            listener.close()
        self._listeners = []
        for connection in list(self._application.connections):
            if connection.is_idle:
                connection.close()
        self._crew.stop()

    def _is_over(self) -> bool:
        if self._stop_at is None:
            return False
        is_done = not self._application.connections and self._crew.is_gone
        return is_done or time.monotonic() >= self._stop_at

    def _end(self) -> None:
        self._crew.kill()
        for connection in list(self._application.connections):
            connection.close()
        self._log.flush()

    def _reload(self, why: str) -> None:
        say("INFO", "Loading the entry script again: {}".format(why))
        self._crew.start()

    def _give_up(self, told: "dict[str, Any]") -> int:
        self._crew.kill()
        settings = self._settings
        found = explain.explain(told, settings.entry_script, settings.model_dir, sys.executable)
        if "failure" in told:
            say("ERROR", told["failure"]["message"])
        status = _WRONG if found.is_definition else _FAILED
        return _print_error(found.message, found.hint, status)

    def _accept_more(self) -> None:
        room = len(self._application.connections) < _MOST_CONNECTIONS
        if room == self._accepting or not self._listeners:
            return
        self._accepting = room
        for listener in self._listeners:
            if room:
                self._loop.watch(listener, READ, self._acceptor(listener))
            else:
                self._loop.forget(listener)

    def _acceptor(self, listener: socket.socket) -> "Any":
        def accept(_: int) -> None:
            for _turn in range(_AT_ONCE):
                try:
                    sock, _address = listener.accept()
                except OSError:
                    break
                connection = Connection(sock, self._loop, self._application)
                self._application.connections.add(connection)
            self._accept_more()

        return accept

    def _patience(self) -> float:
        """Return how long to wait for news: not long while there may be something to do."""
        is_waiting = self._is_announced and self._stop_at is None and self._watch is None
        if is_waiting and self._log.flush_at is None and not self._crew.has_deadlines:
            return _LONGEST_WAIT
        return _EVERY

    def _housekeeping(self, now: float) -> None:
        if not self._is_announced and self._crew.is_ready:
            self._is_announced = True
            say("INFO", "Ready: {}".format(self._scoring_uri()))
        if self._log.flush_at is not None and now >= self._log.flush_at:
            self._log.flush()
        self._crew.tick(now)
        self._look_for_changes(now)
        if now - self._swept_at >= _LONGEST_WAIT:
            self._swept_at = now
            for connection in list(self._application.connections):
                if connection.expires_at < now:
                    connection.expire()
            self._accept_more()

    def _look_for_changes(self, now: float) -> None:
        if self._watch is not None and self._crew.script is not None:
            self._watch.follow(self._crew.script["sources"])
            if self._watch.has_changed(now):
                self._reload("its source has changed")

    def _scoring_uri(self) -> str:
        port = self._listeners[0].getsockname()[1] if self._listeners else self._settings.port
        host = self._settings.host
        shown = "[{}]".format(host) if ":" in host else host
        return "http://{}:{}/score".format(shown, port)


def open_listeners(host: str, port: int) -> "list[socket.socket]":
    """Return sockets that listen on *port* of *host*; of a name's addresses all that there are.

    Port 0 takes one that is free, the same for each address.

    Raises:
        OSError: none can be had; the first reason counts.
    """
    found = []  # type: list[socket.socket]
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    for family, kind, protocol, _, address in sorted(addresses, key=lambda one: one[0]):
        chosen = found[0].getsockname()[1] if found else port
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError:
            continue  # no IPv6 here
        try:
            _listen(listener, (address[0], chosen, *address[2:]))
        except OSError:
            listener.close()
            if not found:
                raise
            continue
        found.append(listener)
    return found


def _listen(listener: socket.socket, address: "Any") -> None:
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == getattr(socket, "AF_INET6", None):
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setblocking(False)  # noqa: FBT003  # the library's signature
    listener.bind(address)
    listener.listen(_BACKLOG)


def _explain_address(error: OSError, settings: Settings) -> "tuple[str, str | None]":
    import errno  # noqa: PLC0415  # only here

    if error.errno == errno.EADDRINUSE:
        message = "Port {} of `{}` is in use".format(settings.port, settings.host)
        return message, "choose another with `--port`; 0 takes one that is free"
    if error.errno == errno.EACCES:
        message = "Port {} needs rights that this user lacks".format(settings.port)
        return message, "choose one from 1024 on with `--port`"
    message = "Cannot listen on `{}`: {}".format(settings.host, error.strerror or error)
    return message, "give `--host` an address of this machine"


def _print_error(message: str, hint: "str | None", status: int) -> int:
    sys.stderr.write("Error: {}\n".format(message))
    if hint:
        sys.stderr.write("Hint: {}\n".format(hint))
    return status


def _drain(sock: socket.socket) -> None:
    try:
        while sock.recv(4096):
            pass
    except OSError:
        return
