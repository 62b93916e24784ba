"""Real registries on loopback, and one that behaves badly."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

USER, PASSWORD = "me", "secret"
# `htpasswd -Bbn me secret`
_HTPASSWD = "me:$2y$05$VoXbr6L6r447BSdxEg9HwO2edJhKGT6Zb1sc.BL/ivXg2blc3UAQq\n"


def why_not() -> str | None:
    """Return what this machine lacks to run a registry, or None."""
    return None if shutil.which("docker-registry") else "needs docker-registry"


@contextlib.contextmanager
def run_registry(
    folder: Path, *, with_login: bool = False, certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """Run Debian's registry with its data in *folder*; give its address."""
    port = _find_port()
    folder.mkdir(parents=True, exist_ok=True)
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}"}
    if certificate is not None:
        http["tls"] = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": http,
    }
    if with_login:
        (folder / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(config))
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 that nobody trusts yet, and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "registry.crt", folder / "registry.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


Answer = tuple[int, "Mapping[str, str]", bytes]


@dataclass
class Scripted:
    """A server that answers as it is told, and remembers what it was asked."""

    address: str
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def run_scripted(answer: Callable[[str, str, int], Answer | None]) -> Iterator[Scripted]:
    """Serve what *answer* gives for a method, a path and the number of earlier requests for it.

    None hangs until the client gives up.
    """
    scripted = Scripted("")
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            request = f"{self.command} {self.path}"
            earlier = scripted.requests.count(request)
            scripted.requests.append(request)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = answer(self.command, self.path, earlier)
            if given is None:
                over.wait(30)
                return
            status, headers, body = given
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.close_connection = "Content-Length" in headers

        do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815  # the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        scripted.address = f"127.0.0.1:{server.server_port}"
        try:
            yield scripted
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    message = f"No registry answers on port {port}"
    raise RuntimeError(message)
