"""From a request to its answer: routes, identifiers, headers, and what is noted of each."""

import json
import time

from ..protocol import messages
from .backlog import HIGH_WATER, Backlog
from .http.cors import cors_headers
from .http.response_writer import (
    JSON,
    Clock,
    Reply,
    chunk,
    error_reply,
    has_body,
    head_bytes,
    id_headers,
)
from .job import Job
from .metrics import Metrics
from .process.log import say
from .routes import PROBES, SCORE, SWAGGER, Routes
from .visitors import Visitors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .http.connection import Connection
    from .http.request_parser import Head, RequestError
    from .process.log import AccessLog
    from .process.settings import Settings

_SMALL = 65536  # bytes of a request; so many connections are there at most
_MOST_BODIES = 4  # of the largest size, in memory at once
_UNAVAILABLE = 503
_SHOWN = 200  # of what a client sent
_SERVER_ERROR = 500
_OURS = frozenset(  # a script's own would come twice
    (
        "x-request-id",
        "x-ms-request-id",
        "x-ms-run-function-failed",
        "x-ms-run-fn-exec-ms",
        "x-envsync-lock",
    )
)


class Application:
    """Answers what it can itself, and gives `/score` to the crew."""

    def __init__(self, settings: "Settings", access_log: "AccessLog") -> None:
        self._settings = settings
        self._log = access_log
        self._clock = Clock()
        self._warned = set()  # type: set[str]
        self._routes = Routes(settings, self)
        self.metrics = Metrics()
        self.crew = None  # type: Any
        self.max_body = settings.max_body
        self._held = 0
        self._most_held = _MOST_BODIES * settings.max_body
        self.is_draining = False
        self.connections = set()  # type: set[Connection]
        self.answers = Backlog()
        self._own_headers = []  # type: list[tuple[str, str]]
        if settings.version:
            self._own_headers.append(("x-ms-server-version", settings.version))
        if settings.lock_digest:
            self._own_headers.append(("x-envsync-lock", settings.lock_digest))
        self._visitors = Visitors(settings.hosts, settings.cors_origins)
        self._has_refused = False

    # What connections tell.

    def on_request(self, connection: "Connection", head: "Head", body: bytes) -> None:
        """Answer a request, or have it answered."""
        job = Job(connection, head, body)
        connection.job = job
        if head.has_ids:
            try:
                job.ids = id_headers(head.fields)
            except ValueError as error:
                job.ids = id_headers({})
                self._reply(job, error_reply(431, str(error)))
                return
        runs = self._routes.goes_to_run(head)
        if not self._visitors.takes_all:
            refusal = self._visitors.refusal(head, head.path == SCORE)
            if refusal is not None:
                self._note_refusal(head)
                self._reply(job, refusal)
                return
        if not runs:
            self._reply(job, self._routes.reply(head))
        elif not self.crew.submit(job):
            self._reply(job, error_reply(_UNAVAILABLE, messages.TOO_BUSY))

    def on_bad_request(self, connection: "Connection", error: "RequestError") -> None:
        """Answer what is no request, and close."""
        reply = error_reply(error.status, str(error))
        date = self._clock.date()
        size = len(reply.body)
        head = head_bytes(reply.status, reply.headers, size, keep_alive=False, date=date)
        self._log.add("-", "-", reply.status, 0.0, str(size))
        self.metrics.note("-", reply.status, 0.0, None)
        connection.send(head + reply.body, last=True)

    def hold(self, connection: "Connection", size: int) -> bool:
        """Note how much of a request *connection* holds; say whether that is bearable."""
        self._held += size - connection.held
        connection.held = size
        return size < _SMALL or self._held <= self._most_held

    def on_closed(self, connection: "Connection") -> None:
        """Forget a connection, and the request that nobody waits for any more."""
        self.connections.discard(connection)
        if connection.job is not None:
            connection.job.abandoned = True
            self.crew.cancel(connection.job)

    # What the crew tells.

    def on_frame(self, job: Job, header: "dict[str, Any]", body: bytes) -> None:
        """Pass on what a worker answered to *job*."""
        self._note_trouble(job, header)
        if job.abandoned:
            return
        if job.is_streaming:
            self._stream_on(job, header, body)
            return
        reply = _reply_of(header, body)
        if header.get("more"):
            self._start_stream(job, reply)
            return
        if self._settings.show_errors and "failure" in header:
            shown = {"message": header["message"], "traceback": header["failure"]["traceback"]}
            reply.body = json.dumps(shown).encode("ascii")
        self._reply(job, reply, header.get("ms"))

    def on_lost(self, job: Job, *, late: bool) -> None:
        """Answer for a worker that died, or was killed for being *late*."""
        if job.abandoned:
            return
        if job.is_streaming:
            job.connection.close()
            return
        message = messages.RUN_FAILED
        if late:
            message = messages.TIMEOUT.format((self.crew.script or {}).get("limit"))
        self._reply(job, error_reply(_SERVER_ERROR, message, failed=True))

    def on_unavailable(self, job: Job) -> None:
        """Answer for workers that there are none of."""
        self._reply(job, error_reply(_UNAVAILABLE, messages.NOT_LOADED_AGAIN))

    # Answers.

    def _reply(self, job: Job, reply: Reply, milliseconds: "float | None" = None) -> None:
        size = len(reply.body)
        keep_alive = job.head.keep_alive and not self.is_draining
        head = self._head(job, reply, size, keep_alive=keep_alive)
        body = reply.body if has_body(job.head.method, reply.status) else b""
        job.status = reply.status
        self._note(job, str(size), milliseconds)
        job.connection.send(head, body, last=True, keep_alive=keep_alive)

    def _head(self, job: Job, reply: Reply, size: "int | None", *, keep_alive: bool) -> bytes:
        job.ids = job.ids or id_headers(job.head.fields)
        headers = reply.headers + job.ids + self._own_headers
        if self._settings.cors_origins:
            names = {name.lower() for name, _ in reply.headers}
            if "access-control-allow-origin" not in names:
                is_preflight = job.head.method == "OPTIONS"
                origins, fields = self._settings.cors_origins, job.head.fields
                headers += cors_headers(origins, fields, is_preflight=is_preflight)
        date = self._clock.date()
        return head_bytes(
            *(reply.status, headers, size),
            keep_alive=keep_alive,
            date=date,
            is_chunked=size is None and not job.head.is_old,
        )

    def _start_stream(self, job: Job, reply: Reply) -> None:
        job.is_streaming = True
        job.status = reply.status
        keep_alive = job.head.keep_alive and not self.is_draining and not job.head.is_old
        head = self._head(job, reply, None, keep_alive=keep_alive)
        job.connection.send(head, last=False)

    def _stream_on(self, job: Job, header: "dict[str, Any]", body: bytes) -> None:
        connection = job.connection
        if "failure" in header:
            connection.close()  # the only way to say that the body is not whole
            return
        piece = body if job.head.is_old else chunk(body)
        if not has_body(job.head.method, job.status):
            piece = b""
        if not header.get("more"):
            keep_alive = job.head.keep_alive and not self.is_draining and not job.head.is_old
            self._note(job, "-", None)
            connection.send(piece, last=True, keep_alive=keep_alive)
            return
        connection.send(piece, last=False)
        if connection.waiting_bytes > HIGH_WATER:
            self.crew.pause(job, paused=True)
            connection.on_drained = lambda: self.crew.pause(job, paused=False)

    def _note(self, job: Job, size: str, milliseconds: "float | None") -> None:
        seconds = time.perf_counter() - job.started
        path = job.head.path
        route = path if path in (SCORE, SWAGGER, *PROBES) else "-"
        run_seconds = None if milliseconds is None else milliseconds / 1000
        self.metrics.note(route, job.status, seconds, run_seconds)
        if path not in PROBES:
            self._log.add(job.head.method, job.head.target, job.status, seconds, size)

    def _note_trouble(self, job: Job, header: "dict[str, Any]") -> None:
        """Log why an answer is a failure, and once what its readers may trip over."""
        for warning in header.get("warnings", ()):
            if warning not in self._warned:
                self._warned.add(warning)
                say("WARNING", warning)
        reason = header.get("reason", "bad-request")
        if reason == "bad-request":
            return
        text = "Script failed to finish execution within the allocated time: {}ms"
        if reason == "timeout":
            text = text.format((self.crew.script or {}).get("limit"))
        else:
            text = "run() failed: " + messages.failure_summary(header["failure"])
        job.ids = job.ids or id_headers(job.head.fields)
        trace = header.get("failure", {}).get("traceback", "").rstrip("\n")
        say("ERROR", "request {}: {}{}".format(job.ids[0][1], text, trace and "\n" + trace))

    def _note_refusal(self, head: "Head") -> None:
        """Say once that there is a way, since only the log tells whoever runs the server."""
        if not self._has_refused:
            self._has_refused = True
            text = "Refused a request to the host `{}`, or from a browser; where that is meant "
            text += "to be: `--allowed-host`, and for pages AML_CORS_ORIGINS (`*` for all)"
            say("WARNING", text.format(head.fields.get("host", "")[:_SHOWN]))

    def on_loaded(self, worker: "Any") -> None:
        """Note that a worker is ready."""
        say("INFO", "Worker {} has loaded the entry script".format(worker.pid))

    def on_failed_load(self, told: "dict[str, Any]") -> None:
        """Note that a worker could not load the script again."""
        failure = told.get("failure", {"type": "died", "message": "", "traceback": ""})
        trace = failure["traceback"].rstrip("\n")
        say(
            "ERROR",
            "The entry script cannot be loaded: {}\n{}".format(
                messages.failure_summary(failure), trace
            ),
        )


def _reply_of(header: "dict[str, Any]", body: bytes) -> Reply:
    """Return the reply that a worker's frame stands for."""
    given = [tuple(pair) for pair in header.get("headers", (JSON,))]
    headers = [(name, value) for name, value in given if name.lower() not in _OURS]
    failed = header.get("failed", False)
    headers.append(("x-ms-run-function-failed", "True" if failed else "False"))
    if "ms" in header:
        headers.append(("x-ms-run-fn-exec-ms", "{:.3f}".format(header["ms"])))
    return Reply(header.get("status", 200), body, headers)
