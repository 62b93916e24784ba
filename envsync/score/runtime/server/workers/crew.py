"""The workers: as many as were asked for, replaced when they die, given one request at a time."""

import collections
import time

from ..process.log import say
from .spawning import Spawned
from .worker_process import WorkerProcess, describe_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..process.event_loop import EventLoop

    Frame = tuple[dict[str, Any], bytes]

_GRACE_SECONDS = 1.0  # from the alarm to the end
_ABANDONED_SECONDS = 5.0
_RETIRED_SECONDS = 10.0
_MOST_WAITING = 10000
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_STAYING = ("idle", "busy", "loading")
_EXPECTED = ("retired", "failed", "dead")  # states in which a worker's end is no news


class Crew:
    """Keeps *size* workers that run *command*; *application* gets what they answer.

    *script* is what the last loaded worker said of the entry script. *fatal* is what a worker
    said that couldn't load it, before any could. *loads* and *failed_loads* count the workers
    that could and could not.
    """

    def __init__(
        self, command: "list[str]", size: int, loop: "EventLoop", application: "Any"
    ) -> None:
        self._command = command
        self._size = size
        self._loop = loop
        self._application = application
        self._workers = []  # type: list[WorkerProcess]
        self._idle = []  # type: list[WorkerProcess]
        self._waiting = collections.deque()  # type: Any
        self._generation = 0
        self._pause = _FIRST_PAUSE
        self._respawn_at = None  # type: float | None
        self._stopping = False
        self.script = None  # type: dict[str, Any] | None
        self.fatal = None  # type: dict[str, Any] | None
        self.restarts = 0
        self.loads = 0
        self.failed_loads = 0

    @property
    def is_ready(self) -> bool:
        """Whether a worker has loaded the script and can be given requests."""
        return any(worker.state in ("idle", "busy") for worker in self._workers)

    @property
    def is_gone(self) -> bool:
        """Whether no process is left."""
        return not self._workers

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._waiting)

    @property
    def states(self) -> "collections.Counter[str]":
        """How many workers are in which state."""
        return collections.Counter(worker.state for worker in self._workers)

    def start(self, first: "Spawned | None" = None) -> None:
        """Start the workers, or a new generation of them that will take over.

        A worker *first* that was started already is one of them.
        """
        self._generation += 1
        for at in range(self._size):
            self._spawn(first if at == 0 else None)

    def submit(self, job: "Any") -> bool:
        """Have *job* answered by the next free worker; False if too many wait already.

        All wait while clients have too many answers to take.
        """
        if self._idle and not self._waiting and not self._application.answers.is_full:
            self._give(self._idle.pop(), job)
            return True
        if len(self._waiting) >= _MOST_WAITING:
            return False
        self._waiting.append(job)
        return True

    def resume(self) -> None:
        """Go on with the requests that wait, if there is a worker, and room for their answers."""
        while self._waiting and self._idle and not self._application.answers.is_full:
            self._give(self._idle.pop(), self._waiting.popleft())

    def cancel(self, job: "Any") -> None:
        """Forget *job* if no worker has it yet; a worker that streams it has to end soon."""
        if job in self._waiting:
            self._waiting.remove(job)
        for worker in self._workers:
            if worker.job is job and job.is_streaming and worker.deadline is not None:
                worker.pause(paused=False)
                soon = time.monotonic() + _ABANDONED_SECONDS
                worker.deadline = min(worker.deadline, soon)

    def pause(self, job: "Any", *, paused: bool) -> None:
        """Hold back the worker that streams the answer of *job*, or let it go on."""
        for worker in self._workers:
            if worker.job is job:
                worker.pause(paused=paused)

    def stop(self) -> None:
        """Let the workers end once no request is left."""
        self._stopping = True
        self._retire_idle()

    def kill(self) -> None:
        """End every process at once."""
        self._stopping = True
        for worker in list(self._workers):
            worker.kill()
            worker.process.wait()
            self._bury(worker)

    @property
    def has_deadlines(self) -> bool:
        """Whether `tick` has something to do some time."""
        if self._respawn_at is not None:
            return True
        return any(worker.deadline is not None for worker in self._workers)

    def tick(self, now: float) -> None:
        """Do what is due: end workers that are over their time, start those that are missing."""
        for worker in list(self._workers):
            if worker.deadline is None or now < worker.deadline:
                continue
            if worker.is_warned or worker.state != "busy":
                self._end(worker)
            else:
                worker.is_warned = True
                worker.deadline = now + _GRACE_SECONDS
                worker.interrupt()
        if self._respawn_at is not None and now >= self._respawn_at:
            self._respawn_at = None
            current = [one for one in self._workers if one.generation == self._generation]
            for _ in range(self._size - len(current)):
                self._spawn()

    def reap(self) -> None:
        """Take notice of processes that are gone."""
        for worker in list(self._workers):
            if worker.has_ended():
                self._on_end(worker)

    def on_frame(self, worker: WorkerProcess, header: "dict[str, Any]", body: bytes) -> None:
        """Take a frame from *worker*."""
        if "loaded" in header:
            self._on_loaded(worker, header)
            return
        job = worker.job
        if job is None:
            return
        if not header.get("more"):
            worker.job = worker.deadline = None
            self._free(worker)
        self._application.on_frame(job, header, body)

    def on_hung_up(self, worker: WorkerProcess) -> None:
        """See why *worker* closed its pipe: it ended, or its script closed what it found."""
        if worker.has_ended():
            self._on_end(worker)
            return
        worker.deadline = time.monotonic() + _GRACE_SECONDS
        if worker.state not in _EXPECTED:
            worker.state = "dying"

    def _spawn(self, spawned: "Spawned | None" = None) -> None:
        spawned = spawned or Spawned(self._command)
        self._workers.append(WorkerProcess(spawned, self._loop, self, self._generation))

    def _on_loaded(self, worker: WorkerProcess, header: "dict[str, Any]") -> None:
        if not header["loaded"]:
            self.failed_loads += 1
            self._on_failed_load(worker, header)
            return
        self.loads += 1
        worker.has_loaded = True
        is_first = self.script is None or worker.generation == self._generation
        self.script = header if is_first else self.script
        self._pause = _FIRST_PAUSE
        if worker.state != "loading":
            return
        if any(one.generation < worker.generation for one in self._workers):
            say("INFO", "The new code is loaded and takes over")
            for old in list(self._workers):
                if old.generation < worker.generation:
                    self._retire(old)
        self._application.on_loaded(worker)
        self._free(worker)

    def _on_failed_load(self, worker: WorkerProcess, header: "dict[str, Any]") -> None:
        worker.state = "failed"
        if self.script is None:
            self.fatal = header
            return
        self._application.on_failed_load(header)
        if not self.is_ready:
            waiting, self._waiting = list(self._waiting), collections.deque()
            for job in waiting:
                self._application.on_unavailable(job)
        staying = [one.generation for one in self._workers if one.state in _STAYING]
        if any(generation < worker.generation for generation in staying):
            say("WARNING", "The new code could not be loaded; the old goes on")
            for new in list(self._workers):
                if new.generation == worker.generation and new.state != "failed":
                    self._retire(new)
            others = (generation for generation in staying if generation != worker.generation)
            self._generation = max(others)  # a still newer one may be on its way
            self._respawn_at = time.monotonic()  # for those that died meanwhile

    def _give(self, worker: WorkerProcess, job: "Any") -> None:
        limit = (self.script or {}).get("limit", 3600000) / 1000.0
        worker.give(job, job.frame(self.script or {}), limit)

    def _free(self, worker: WorkerProcess) -> None:
        worker.pause(paused=False)
        if worker.state == "retired":
            worker.hang_up()
            worker.deadline = time.monotonic() + _RETIRED_SECONDS
            return
        if worker.state == "dying":
            return
        worker.state = "idle"
        if self._waiting and not self._application.answers.is_full:
            self._give(worker, self._waiting.popleft())
        elif self._stopping and not self._waiting:
            self._retire(worker)
        else:
            self._idle.append(worker)

    def _retire(self, worker: WorkerProcess) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
        worker.retire()
        if worker.job is None:
            worker.deadline = time.monotonic() + _RETIRED_SECONDS

    def _retire_idle(self) -> None:
        for worker in list(self._workers):
            if worker.state == "idle":
                self._retire(worker)
            elif worker.state == "loading" and not self._waiting:
                worker.state = "retired"
                worker.kill()  # it has nothing to end, and may take long to notice

    def _end(self, worker: WorkerProcess) -> None:
        """Kill *worker*: it is over its time, or lingers without a way to be reached."""
        job, worker.job, worker.deadline = worker.job, None, None
        is_late = worker.state == "busy" and job is not None and not job.abandoned
        if is_late:
            say("ERROR", "Worker {} is killed: over the scoring timeout".format(worker.pid))
        if worker.state != "retired":
            worker.state = "dead"
        worker.kill()
        if job is not None:
            self._application.on_lost(job, late=is_late)

    def _on_end(self, worker: WorkerProcess) -> None:
        if worker.state not in _EXPECTED and not self._stopping:
            status = worker.process.returncode
            say("ERROR", "Worker {} {}".format(worker.pid, describe_status(status)))
        job, worker.job = worker.job, None
        state = worker.state
        worker.kill()
        self._bury(worker)
        if job is not None:
            self._application.on_lost(job, late=False)
        died_loading = not worker.has_loaded and state not in ("retired", "failed")
        self.failed_loads += died_loading
        if died_loading and self.script is None and self.fatal is None:
            status = describe_status(worker.process.returncode)
            self.fatal = {"kind": "died", "status": status}
        if self._stopping and not self._waiting:
            return
        if state != "retired" and worker.generation == self._generation and self.script is not None:
            self._plan_respawn(at_once=worker.has_loaded)

    def _bury(self, worker: WorkerProcess) -> None:
        worker.state = "dead"
        self._workers.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)

    def _plan_respawn(self, *, at_once: bool) -> None:
        self.restarts += 1
        if at_once:
            self._respawn_at = time.monotonic()
            return
        self._respawn_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
