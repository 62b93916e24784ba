"""A worker as its supervisor sees it: a process at the other end of two pipes."""

import os
import signal

from ...protocol import wire
from ..process.event_loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..process.event_loop import EventLoop
    from .spawning import Spawned

_LEAST_READ = 65536
_MOST_READ = 1048576


class WorkerProcess:
    """One worker; *crew* is told of each frame, and of its end.

    *state* is `loading`, `idle`, `busy`, `retired` (no more work, may finish) or `dead`;
    *has_loaded* tells whether it ever said that it loaded the script.
    """

    def __init__(self, spawned: "Spawned", loop: "EventLoop", crew: "Any", generation: int) -> None:
        self._loop = loop
        self._crew = crew
        self._input = bytearray()
        self._output = []  # type: list[memoryview]
        self._paused = False
        self.generation = generation
        self.state = "loading"
        self.has_loaded = False
        self.job = None  # type: Any
        self.deadline = None  # type: float | None
        self.is_warned = False
        self.process = spawned.process
        self._requests = spawned.requests
        self._answers = spawned.answers
        self._is_open = True
        self._read_size = _LEAST_READ
        loop.watch(self._answers, READ, self._on_answer)

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
        if not self._is_open:
            return
        self._is_open = False
        if not self._paused:
            self._loop.forget(self._answers)
        if self._output:
            self._loop.forget(self._requests)
        self._requests.close()
        self._answers.close()

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
        if self._paused == paused or not self._is_open:
            return
        self._paused = paused
        if paused:
            self._loop.forget(self._answers)
        else:
            self._loop.watch(self._answers, READ, self._on_answer)

    def _send(self, head: bytes, body: bytes) -> None:
        try:
            sent = os.writev(self._requests.fileno(), (head, body))
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
            self._loop.watch(self._requests, WRITE, self._on_room)

    def _on_room(self, _: int) -> None:
        try:
            while self._output:
                sent = os.write(self._requests.fileno(), self._output[0])
                self._output[0] = self._output[0][sent:]
                if not self._output[0]:
                    del self._output[0]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._output.clear()
        self._loop.forget(self._requests)

    def _on_answer(self, _: int) -> None:
        try:
            data = os.read(self._answers.fileno(), self._read_size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.hang_up()
            self._crew.on_hung_up(self)
            return
        is_full = len(data) == self._read_size
        self._read_size = _MOST_READ if is_full else _LEAST_READ
        self._input += data
        while self._is_open:
            frame = wire.take(self._input)
            if frame is None:
                return
            self._crew.on_frame(self, *frame)


def describe_status(status: int) -> str:
    """Return how a process ended, in words."""
    if status >= 0:
        return "ended with status {}".format(status)
    try:
        return "was killed by {}".format(signal.Signals(-status).name)
    except ValueError:
        return "was killed by signal {}".format(-status)
