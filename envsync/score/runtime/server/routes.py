"""What the server answers itself, path by path."""

import json

from ..protocol import messages
from .http.response_writer import JSON, NOT_FAILED, TEXT, Reply, error_reply
from .metrics import CONTENT_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .http.request_parser import Head
    from .process.settings import Settings

SCORE = "/score"
SWAGGER = "/swagger.json"
PROBES = ("/", "/healthz", "/readyz", "/metrics")
_UNAVAILABLE = 503


class Routes:
    """The paths of the server; *application* knows how it is."""

    def __init__(self, settings: "Settings", application: "Any") -> None:
        self._settings = settings
        self._application = application

    def goes_to_run(self, head: "Head") -> bool:
        """Say whether it is the script that answers *head*."""
        if head.path != SCORE:
            return False
        return head.method in ("GET", "POST") or (
            head.method in ("OPTIONS", "HEAD") and self._script().get("kind") == "raw"
        )

    def reply(self, head: "Head") -> Reply:
        """Return the server's own answer to *head*."""
        if head.path == SCORE:
            return _method_reply(head.method, "GET, OPTIONS, POST")
        if head.path != SWAGGER and head.path not in PROBES:
            return error_reply(404, messages.NOT_FOUND)
        if head.method not in ("GET", "HEAD"):
            return _method_reply(head.method, "GET, HEAD, OPTIONS")
        if head.path == SWAGGER:
            return self._swagger(head)
        return self._metrics() if head.path == "/metrics" else self._health(head.path)

    def _script(self) -> "dict[str, Any]":
        return self._application.crew.script or {}

    def _health(self, path: str) -> Reply:
        """Say that the service can answer; `/healthz` only that the server itself lives."""
        application = self._application
        if path != "/healthz" and (not application.crew.is_ready or application.is_draining):
            return error_reply(_UNAVAILABLE, messages.NOT_LOADED)
        return Reply(200, b"Healthy", [TEXT])

    def _swagger(self, head: "Head") -> Reply:
        from urllib.parse import parse_qsl  # noqa: PLC0415  # most servers are never asked

        from . import swagger  # noqa: PLC0415

        fields = parse_qsl(head.target.partition("?")[2], keep_blank_values=True)
        version = next((value for name, value in fields if name == "version"), "2")

        try:
            found = swagger.document(version, self._settings, self._script().get("schema"))
        except swagger.NoSuchVersionError as error:
            return error_reply(404, str(error))
        return Reply(200, json.dumps(found).encode("ascii"), [JSON, NOT_FAILED])

    def _metrics(self) -> Reply:
        application = self._application
        states = application.crew.states
        gauges = {
            "envsync_script_failed_loads_total": application.crew.failed_loads,
            "envsync_script_loads_total": application.crew.loads,
            "envsync_connections": len(application.connections),
            "envsync_requests_waiting": application.crew.waiting,
            "envsync_worker_restarts_total": application.crew.restarts,
            "envsync_workers_busy": states["busy"],
            "envsync_workers_idle": states["idle"],
        }
        text = application.metrics.text(gauges)
        return Reply(200, text.encode("utf-8"), [("Content-Type", CONTENT_TYPE)])


def _method_reply(method: str, allowed: str) -> Reply:
    if method == "OPTIONS":
        return Reply(200, b"", [TEXT, NOT_FAILED, ("Allow", allowed)])
    reply = error_reply(405, messages.NOT_ALLOWED)
    reply.headers.append(("Allow", allowed))
    return reply
