"""HTTP servers that mean harm, and write down all that reaches them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What reached a server: the whole of it."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        lines = [f"{self.method} {self.path}", *(f"{key}: {value}" for key, value in self.headers)]
        return "\n".join([*lines, self.body.decode("latin-1")])

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Reply:
    """What a server says; *body* may go on for ever, with *pause* seconds between its parts."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | Iterable[bytes] = b""
    pause: float = 0.0


@dataclass
class Hostile:
    """A running server, of which its port is the host."""

    scheme: str
    address: str
    requests: list[Request] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"

    @property
    def text(self) -> str:
        return "\n\n".join(request.text for request in self.requests)


@contextlib.contextmanager
def serve_hostile(  # noqa: C901  # a class within, which is short
    answer: Callable[[Request], Reply],
    *,
    certificate: tuple[Path, Path] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Hostile]:
    """Serve what *answer* gives for each request, by TLS if there is a *certificate*."""
    hostile = Hostile("https" if certificate else "http", "")
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            request = Request(self.command, self.path, tuple(self.headers.items()), body)
            hostile.requests.append(request)
            reply = answer(request)
            self.send_response_only(reply.status)
            self.flush_headers()
            parts = [reply.body] if isinstance(reply.body, bytes) else reply.body
            headers = list(reply.headers)
            if isinstance(reply.body, bytes):
                headers.append(("Content-Length", str(len(reply.body))))
            for name, value in headers:
                self.wfile.write(f"{name}: {value}\r\n".encode("latin-1", "replace"))
            self.wfile.write(b"\r\n")
            for part in parts if self.command != "HEAD" else ():
                self.wfile.write(part)
                self.wfile.flush()
                hostile.sent += len(part)
                if reply.pause and is_over.wait(reply.pause):
                    break
            self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815  # the base class's names

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, request: object, client_address: object) -> None:
            """Keep quiet: clients hang up on what means harm."""

    with Server((host, 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        name = f"[{host}]" if ":" in host else host
        hostile.address = f"{name}:{server.server_port}"
        try:
            yield hostile
        finally:
            is_over.set()
            server.shutdown()
            thread.join()
