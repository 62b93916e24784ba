"""A server that fails in the ways that servers fail in."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Fault = str  # `500` and other statuses, `hang`, `cut`, `stall`, `garbage`, or `` for none


@dataclass
class Faulty:
    """A running server: its address, what was asked of it, and what it does to a request.

    *choose* gets the path of a request and how often that was asked before.
    """

    url: str
    choose: Callable[[str, int], Fault]
    requests: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def count(self, end: str) -> int:
        return sum(path.endswith(end) for path in self.requests)


@contextlib.contextmanager
def serve_faulty(folder: Path, choose: Callable[[str, int], Fault]) -> Iterator[Faulty]:
    """Serve *folder*, with the faults that *choose* names."""
    faulty = Faulty("", choose)
    handler = partial(_Handler, faulty, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        faulty.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield faulty
        finally:
            faulty.is_over.set()
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, faulty: Faulty, *args: Any, **more: Any) -> None:
        self.faulty = faulty
        super().__init__(*args, **more)

    def send_head(self) -> Any:
        asked = self.faulty.requests.count(self.path)
        self.faulty.requests.append(self.path)
        fault = self.faulty.choose(self.path, asked)
        if not fault:
            return super().send_head()
        if fault == "hang":
            self.faulty.is_over.wait(60)
            self.close_connection = True
        elif fault.isdigit():
            self.send_error(HTTPStatus(int(fault)))
        elif fault == "garbage":
            self._send(b"<html>Please log in</html>", missing=0)
        else:
            self._send(b'{"info": {"sub', missing=2000)
            if fault == "stall":
                self.faulty.is_over.wait(60)
            self.close_connection = True
        return None

    def _send(self, body: bytes, *, missing: int) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Keep quiet: what was asked for is in `requests`."""
