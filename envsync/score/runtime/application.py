"""From a request to its answer: routes, identifiers, headers, and what is noted of each."""

import json
import time

from . import swagger, wire
from .caller import RUN_FAILED
from .connection import HIGH_WATER
from .cors import cors_headers
from .explain import summary
from .log import say
from .metrics import CONTENT_TYPE, Metrics
from .response_writer import Clock, Reply, chunk, error_reply, head_bytes, id_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .connection import Connection
    from .log import AccessLog
    from .request_parser import Head, RequestError
    from .settings import Settings

_NOT_FOUND = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
_NOT_ALLOWED = "The method is not allowed for the requested URL."
_TOO_BUSY = "Too many requests wait for a worker."
_UNAVAILABLE = "The entry script could not be loaded again. Check the logs for more info."
_JSON = ("Content-Type", "application/json")
_TEXT = ("Content-Type", "text/html; charset=utf-8")
_NOT_LOADED = 503
_SERVER_ERROR = 500
_QUIET = ("/", "/healthz", "/readyz", "/metrics")


class Job:
    """A request that waits for a worker, or has one."""

    __slots__ = (
        "abandoned",
        "body",
        "connection",
        "head",
        "ids",
        "is_streaming",
        "started",
        "status",
    )

    def __init__(self, connection: "Connection", head: "Head", body: bytes) -> None:
        self.connection = connection
        self.head = head
        self.body = body
        self.ids = []  # type: list[tuple[str, str]]
        self.started = time.perf_counter()
        self.abandoned = False
        self.is_streaming = False
        self.status = 200

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.head.target.partition("?")[0]

    def frame(self, script: "dict[str, Any]") -> bytes:
        """Return what a worker gets: no more than *script* wants to know."""
        head = self.head
        told = {}  # type: dict[str, Any]
        if script.get("wants_headers"):
            told["headers"] = head.pairs
        if script.get("kind") != "text":
            told["type"] = head.fields.get("content-type", "")
        if head.method != "POST" or script.get("kind") == "raw":
            told["method"] = head.method
            told["target"] = head.target
        return wire.pack(told, self.body)


class Application:
    """Answers what it can itself, and gives `/score` to the crew."""

    def __init__(self, settings: "Settings", access_log: "AccessLog") -> None:
        self._settings = settings
        self._log = access_log
        self._clock = Clock()
        self._warned = set()  # type: set[str]
        self.metrics = Metrics()
        self.crew = None  # type: Any
        self.max_body = settings.max_body
        self.is_draining = False
        self.connections = set()  # type: set[Connection]
        self._own_headers = []  # type: list[tuple[str, str]]
        if settings.version:
            self._own_headers.append(("x-ms-server-version", settings.version))
        if settings.lock_digest:
            self._own_headers.append(("x-envsync-lock", settings.lock_digest))

    # What connections tell.

    def on_request(self, connection: "Connection", head: "Head", body: bytes) -> None:
        """Answer a request, or have it answered."""
        job = Job(connection, head, body)
        connection.job = job
        try:
            job.ids = id_headers(head.fields)
        except ValueError as error:
            self._reply(job, error_reply(431, str(error)))
            return
        if job.path == "/score" and self._goes_to_run(head.method):
            if not self.crew.submit(job):
                self._reply(job, error_reply(_NOT_LOADED, _TOO_BUSY))
            return
        self._reply(job, self._route(job))

    def on_bad_request(self, connection: "Connection", error: "RequestError") -> None:
        """Answer what is no request, and close."""
        reply = error_reply(error.status, str(error))
        date = self._clock.date()
        size = len(reply.body)
        head = head_bytes(reply.status, reply.headers, size, keep_alive=False, date=date)
        self._log.add("-", "-", reply.status, 0.0, str(size))
        self.metrics.note("-", reply.status, 0.0, None)
        connection.send(head + reply.body, last=True)

    def on_closed(self, connection: "Connection") -> None:
        """Forget a connection, and the request that nobody waits for any more."""
        self.connections.discard(connection)
        if connection.job is not None:
            connection.job.abandoned = True
            self.crew.cancel(connection.job)

    # What the crew tells.

    def on_frame(self, job: Job, header: "dict[str, Any]", body: bytes) -> None:
        """Pass on what a worker answered to *job*."""
        for warning in header.get("warnings", ()):
            if warning not in self._warned:
                self._warned.add(warning)
                say("WARNING", warning)
        if "failure" in header or "reason" in header:
            self._note_failure(job, header)
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
        message = RUN_FAILED
        if late:
            limit = (self.crew.script or {}).get("limit")
            message = "Scoring timeout after {} ms".format(limit)
        self._reply(job, error_reply(_SERVER_ERROR, message, failed=True))

    def on_unavailable(self, job: Job) -> None:
        """Answer for workers that there are none of."""
        self._reply(job, error_reply(_NOT_LOADED, _UNAVAILABLE))

    # Routes.

    def _goes_to_run(self, method: str) -> bool:
        if method in ("GET", "POST"):
            return True
        is_raw = (self.crew.script or {}).get("kind") == "raw"
        return is_raw and method in ("OPTIONS", "HEAD")

    def _route(self, job: Job) -> Reply:
        path, method = job.path, job.head.method
        if path == "/score":
            return self._method_reply(method, "GET, OPTIONS, POST", [_JSON])
        if path not in ("/swagger.json", *_QUIET):
            return error_reply(404, _NOT_FOUND)
        if method not in ("GET", "HEAD"):
            return self._method_reply(method, "GET, HEAD, OPTIONS", [_TEXT])
        if path == "/swagger.json":
            return self._swagger(job)
        return self._metrics() if path == "/metrics" else self._health(path)

    def _health(self, path: str) -> Reply:
        """Say that the service can answer; `/healthz` only that the server itself lives."""
        if path != "/healthz" and (not self.crew.is_ready or self.is_draining):
            return error_reply(_NOT_LOADED, "The entry script is not loaded.")
        return Reply(200, b"Healthy", [_TEXT])

    def _metrics(self) -> Reply:
        text = self.metrics.text(self._gauges())
        return Reply(200, text.encode("utf-8"), [("Content-Type", CONTENT_TYPE)])

    def _method_reply(self, method: str, allowed: str, headers: "list[tuple[str, str]]") -> Reply:
        if method == "OPTIONS":
            return Reply(200, b"", [*headers, ("Allow", allowed)])
        reply = error_reply(405, _NOT_ALLOWED)
        reply.headers.append(("Allow", allowed))
        return reply

    def _swagger(self, job: Job) -> Reply:
        _, _, query = job.head.target.partition("?")
        version = "2"
        for field in query.split("&"):
            name, _, value = field.partition("=")
            version = value if name == "version" else version
        schema = (self.crew.script or {}).get("schema")
        try:
            found = swagger.document(version, self._settings, schema)
        except swagger.NoSuchVersionError as error:
            return error_reply(404, str(error))
        failed = ("x-ms-run-function-failed", "False")
        return Reply(200, json.dumps(found).encode("ascii"), [_JSON, failed])

    def _gauges(self) -> "dict[str, float]":
        states = self.crew.states
        return {
            "envsync_connections": len(self.connections),
            "envsync_requests_waiting": self.crew.waiting,
            "envsync_worker_restarts_total": self.crew.restarts,
            "envsync_workers_busy": states["busy"],
            "envsync_workers_idle": states["idle"],
        }

    # Answers.

    def _reply(self, job: Job, reply: Reply, milliseconds: "float | None" = None) -> None:
        size = len(reply.body)
        keep_alive = job.head.keep_alive and not self.is_draining
        head = self._head(job, reply, size, keep_alive=keep_alive)
        body = b"" if job.head.method == "HEAD" else reply.body
        job.status = reply.status
        self._note(job, str(size), milliseconds)
        job.connection.send(head + body, last=True, keep_alive=keep_alive)

    def _head(self, job: Job, reply: Reply, size: "int | None", *, keep_alive: bool) -> bytes:
        headers = reply.headers + job.ids + self._own_headers
        if self._settings.cors_origins:
            names = {name.lower() for name, _ in reply.headers}
            if "access-control-allow-origin" not in names:
                is_preflight = job.head.method == "OPTIONS"
                origins, fields = self._settings.cors_origins, job.head.fields
                headers += cors_headers(origins, fields, is_preflight=is_preflight)
        date = self._clock.date()
        return head_bytes(reply.status, headers, size, keep_alive=keep_alive, date=date)

    def _start_stream(self, job: Job, reply: Reply) -> None:
        job.is_streaming = True
        job.status = reply.status
        keep_alive = job.head.keep_alive and not self.is_draining
        head = self._head(job, reply, None, keep_alive=keep_alive)
        job.connection.send(head, last=False)

    def _stream_on(self, job: Job, header: "dict[str, Any]", body: bytes) -> None:
        connection = job.connection
        if "failure" in header:
            connection.close()  # the only way to say that the body is not whole
            return
        piece = b"" if job.head.method == "HEAD" else chunk(body)
        if not header.get("more"):
            keep_alive = job.head.keep_alive and not self.is_draining
            self._note(job, "-", None)
            connection.send(piece, last=True, keep_alive=keep_alive)
            return
        connection.send(piece, last=False)
        if connection.waiting_bytes > HIGH_WATER:
            self.crew.pause(job, paused=True)
            connection.on_drained = lambda: self.crew.pause(job, paused=False)

    def _note(self, job: Job, size: str, milliseconds: "float | None") -> None:
        seconds = time.perf_counter() - job.started
        path = job.path
        route = path if path in ("/score", "/swagger.json", *_QUIET) else "-"
        run_seconds = None if milliseconds is None else milliseconds / 1000
        self.metrics.note(route, job.status, seconds, run_seconds)
        if path not in _QUIET:
            self._log.add(job.head.method, job.head.target, job.status, seconds, size)

    def _note_failure(self, job: Job, header: "dict[str, Any]") -> None:
        request_id = job.ids[0][1] if job.ids else "-"
        reason = header["reason"]
        if reason == "timeout":
            limit = (self.crew.script or {}).get("limit")
            text = "Script failed to finish execution within the allocated time: {}ms".format(limit)
        elif reason == "bad-request":
            return
        else:
            text = "run() failed: " + summary(header["failure"])
        trace = header.get("failure", {}).get("traceback", "").rstrip("\n")
        say("ERROR", "request {}: {}{}".format(request_id, text, "\n" + trace if trace else ""))

    def on_loaded(self, worker: "Any") -> None:
        """Note that a worker is ready."""
        say("INFO", "Worker {} has loaded the entry script".format(worker.pid))

    def on_failed_load(self, told: "dict[str, Any]") -> None:
        """Note that a worker could not load the script again."""
        failure = told.get("failure", {"type": "died", "message": "", "traceback": ""})
        trace = failure["traceback"].rstrip("\n")
        say("ERROR", "The entry script cannot be loaded: {}\n{}".format(summary(failure), trace))


def _reply_of(header: "dict[str, Any]", body: bytes) -> Reply:
    """Return the reply that a worker's frame stands for."""
    headers = [tuple(pair) for pair in header.get("headers", (_JSON,))]
    failed = header.get("failed", False)
    headers.append(("x-ms-run-function-failed", "True" if failed else "False"))
    if "ms" in header:
        headers.append(("x-ms-run-fn-exec-ms", "{:.3f}".format(header["ms"])))
    return Reply(header.get("status", 200), body, headers)
