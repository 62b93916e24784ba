"""The server: sockets that listen, signals, and the loop that holds it all together."""

import errno
import os
import signal
import socket
import sys
import time

from .application import Application
from .http.connection import Connection
from .process.event_loop import READ, EventLoop
from .process.log import AccessLog, say
from .process.signals import caught_signals
from .workers.crew import Crew

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..protocol.explain import Explanation
    from .process.handover import Handover
    from .process.log_room import LogRoom
    from .process.reload import SourceWatch
    from .process.settings import Settings
    from .workers.spawning import Spawned

_MOST_CONNECTIONS = 900
_AT_ONCE = 64
_LONGEST_WAIT = 1.0
_EVERY = 0.05
_LAST_CALL = 1.0
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Server:
    """Serves on *listeners* as *settings* say, with workers that run *command*.

    They may be those of another server, see *handover*.
    """

    def __init__(
        self,
        settings: "Settings",
        listeners: "list[socket.socket]",
        command: "list[str]",
        handover: "Handover",
    ) -> None:
        self._settings = settings
        self._listeners = listeners
        self._loop = EventLoop()
        self._log = AccessLog(enabled=settings.access_log)
        self._application = Application(settings, self._log)
        self._crew = Crew(command, settings.workers, self._loop, self._application)
        self._application.crew = self._crew
        self._application.answers.on_room = self._crew.resume
        self._handover = handover
        self._signals = []  # type: list[int]
        self._stop_at = None  # type: float | None
        self._accepting = False
        self._is_announced = False
        self._swept_at = time.monotonic()
        self._log_room: "LogRoom | None" = None
        if settings.control:  # the log is envsync's own
            from .process.log_room import LogRoom  # noqa: PLC0415  # only here

            self._log_room = LogRoom()
        self._watch: "SourceWatch | None" = None
        if settings.reload:
            from .process.reload import SourceWatch  # noqa: PLC0415  # only here

            directories = (os.path.dirname(settings.entry_script), settings.app_root)
            self._watch = SourceWatch(directories)

    def serve(self, first: "Spawned", caught: "list[int]") -> "Explanation | None":
        """Serve until a signal ends it, with *first* as the first worker.

        *caught* are signals that came before it could handle them. If the script can't be loaded,
        return why.
        """
        self._signals = caught
        self._crew.start(first)
        self._catch_signals()
        self._handover.attend(self._loop, self._listeners, lambda: self._crew.is_ready)
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
                return None

    def _catch_signals(self) -> None:
        here, there = socket.socketpair()
        for sock in (here, there):
            sock.setblocking(False)  # noqa: FBT003  # the library's signature
        self._wakeup = (here, there)
        signal.set_wakeup_fd(there.fileno())
        self._loop.watch(here, READ, lambda _: _drain(here))
        numbers = caught_signals(self._settings)
        if hasattr(signal, "SIGCHLD"):
            numbers.append(int(signal.SIGCHLD))
        for number in numbers:
            signal.signal(number, lambda caught, _: self._signals.append(caught))

    def _handle_signals(self) -> None:
        while self._signals:
            caught = self._signals.pop(0)
            if caught == getattr(signal, "SIGCHLD", None):
                self._crew.reap()
            elif caught != getattr(signal, "SIGHUP", None):
                self._stop()
            elif not self._settings.ends_at_hang_up:
                self._reload("SIGHUP")
            elif self._stop_at is None:  # a shell says again what the terminal said
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
        is_shared = self._handover.is_shared
        self._handover.close()
        for connection in list(self._application.connections):
            if connection.is_idle and is_shared:  # its client knows nothing of all this
                connection.expires_at = min(connection.expires_at, self._loop.now + _LAST_CALL)
            elif connection.is_idle:
                connection.close()

    def _is_over(self) -> bool:
        if self._stop_at is None:
            return False
        if not self._application.connections:
            self._crew.stop()
            if self._crew.is_gone:
                return True
        return time.monotonic() >= self._stop_at

    def _end(self) -> None:
        self._crew.kill()
        for connection in list(self._application.connections):
            connection.close()
        self._log.flush()

    def _reload(self, why: str) -> None:
        say("INFO", "Loading the entry script again: {}".format(why))
        self._crew.start()

    def _give_up(self, told: "dict[str, Any]") -> "Explanation":
        self._crew.kill()
        settings = self._settings
        from ..protocol.explain import explain  # noqa: PLC0415  # most servers never need it

        found = explain(told, settings.entry_script, settings.model_dir, sys.executable)
        if "failure" in told:
            say("ERROR", told["failure"]["message"])
        return found

    def _accept_more(self) -> None:
        if self._handover.is_waiting or not self._listeners:
            return
        room = len(self._application.connections) < _MOST_CONNECTIONS or self._make_room()
        if room == self._accepting:
            return
        self._accepting = room
        for listener in self._listeners:
            if room:
                self._loop.watch(listener, READ, self._acceptor(listener))
            else:
                self._loop.forget(listener)

    def _make_room(self) -> bool:
        """Drop connections that were silent for the longest; say whether there were any."""
        silent = [one for one in self._application.connections if one.may_be_dropped]
        silent.sort(key=lambda one: one.expires_at)
        for connection in silent[:_AT_ONCE]:
            connection.expire()
            connection.close()
        return bool(silent)

    def _wait_for_room(self) -> None:
        """Without a descriptor left, take clients again at the next sweep."""
        if self._accepting and not self._make_room():
            self._accepting = False
            for listener in self._listeners:
                self._loop.forget(listener)

    def _acceptor(self, listener: socket.socket) -> "Any":
        def accept(_: int) -> None:
            for _turn in range(_AT_ONCE):
                try:
                    sock, _address = listener.accept()
                except OSError as error:
                    if error.errno in _NO_ROOM:
                        self._wait_for_room()
                        return
                    break
                connection = Connection(sock, self._loop, self._application)
                self._application.connections.add(connection)
            self._accept_more()

        return accept

    def _patience(self) -> float:
        """Return how long to wait for news: not long while there may be something to do."""
        is_waiting = self._is_announced and self._stop_at is None and self._watch is None
        is_waiting = is_waiting and not self._application.answers.is_full
        if is_waiting and self._log.flush_at is None and not self._crew.has_deadlines:
            return _LONGEST_WAIT
        return _EVERY

    def _housekeeping(self, now: float) -> None:
        if not self._is_announced:
            self._accept_more()  # the server before may have gone
        if not self._is_announced and self._crew.is_ready:
            self._is_announced = True
            self._handover.is_waiting = False
            self._accept_more()
            say("INFO", "Ready: {}".format(self._scoring_uri()))
        if self._log.flush_at is not None and now >= self._log.flush_at:
            self._log.flush()
        self._crew.tick(now)
        self._application.answers.make_room()
        self._look_for_changes(now)
        if now - self._swept_at >= _LONGEST_WAIT:
            self._swept_at = now
            if self._log_room is not None:
                self._log_room.look()
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


def _drain(sock: socket.socket) -> None:
    try:
        while sock.recv(4096):
            pass
    except OSError:
        return
