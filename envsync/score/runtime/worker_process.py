"""A worker as its supervisor sees it: a process at the other end of a socket."""

import os
import signal

from . import wire
from .event_loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .event_loop import EventLoop
    from .spawning import Spawned

_READ_SIZE = 1048576


class WorkerProcess:
    """One worker; *crew* is told of each frame, and of its end.

    *state* is `loading`, `idle`, `busy`, `retired` (no more work, may finish) or `dead`.
    """

    def __init__(self, spawned: "Spawned", loop: "EventLoop", crew: "Any", generation: int) -> None:
        self._loop = loop
        self._crew = crew
        self._input = bytearray()
        self._output = []  # type: list[memoryview]
        self._paused = False
        self.generation = generation
        self.state = "loading"
        self.job = None  # type: Any
        self.deadline = None  # type: float | None
        self.is_warned = False
        self.process, self._sock = spawned
        self._watched = READ
        loop.watch(self._sock, READ, self._on_event)

    @property
    def pid(self) -> int:
        """The process's number."""
        return int(self.process.pid)

    def give(self, job: "Any", head: bytes, limit: float) -> None:
        """Have it answer *job*, told as *head* and the job's body, in at most *limit* seconds."""
        self.state = "busy"
        self.job = job
        self.is_warned = False
        self.deadline = self._loop.now + limit
        self._send(head, job.body)

    def interrupt(self) -> None:
        """Raise the alarm in it: its `run()` is over its time."""
        if hasattr(signal, "SIGALRM") and not self.has_ended():
            self.process.send_signal(signal.SIGALRM)

    def retire(self) -> None:
        """Let it end: at once if it has nothing to do, else after its answer."""
        if self.state in ("idle", "loading"):
            self.hang_up()
        if self.state != "dead":
            self.state = "retired"

    def hang_up(self) -> None:
        """Tell it that there is no more to do."""
        if self._sock.fileno() >= 0:
            if self._watched:
                self._loop.forget(self._sock)
                self._watched = 0
            self._sock.close()

    def kill(self) -> None:
        """End it and all that it started, at once."""
        self.hang_up()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (AttributeError, OSError):
            if self.process.poll() is None:
                self.process.kill()

    def has_ended(self) -> bool:
        """Say whether the process is gone."""
        return self.process.poll() is not None

    def pause(self, *, paused: bool) -> None:
        """Leave what it sends where it is, or take it again."""
        if self._paused != paused and self._sock.fileno() >= 0:
            self._paused = paused
            self._update_interest()

    def _send(self, head: bytes, body: bytes) -> None:
        try:
            sent = self._sock.sendmsg((head, body))
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # it died: its end will be noticed
        if sent < len(head):
            self._output.append(memoryview(head)[sent:])
            sent = len(head)
        if sent < len(head) + len(body):
            self._output.append(memoryview(body)[sent - len(head) :])
        if self._output:
            self._update_interest()

    def _on_event(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self._sock.fileno() >= 0:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.hang_up()
            self._crew.on_hung_up(self)
            return
        self._input += data
        while self._sock.fileno() >= 0:
            frame = wire.take(self._input)
            if frame is None:
                return
            self._crew.on_frame(self, *frame)

    def _flush(self) -> None:
        try:
            while self._output:
                sent = self._sock.send(self._output[0])
                self._output[0] = self._output[0][sent:]
                if not self._output[0]:
                    del self._output[0]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._output.clear()
        self._update_interest()

    def _update_interest(self) -> None:
        wanted = (0 if self._paused else READ) | (WRITE if self._output else 0)
        if wanted == self._watched:
            return
        if not self._watched:
            self._loop.watch(self._sock, wanted, self._on_event)
        elif not wanted:
            self._loop.forget(self._sock)
        else:
            self._loop.change(self._sock, wanted)
        self._watched = wanted
