"""What stands between a company's machines and its channels: certificates, logins, proxies."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import select
import socket
import ssl
import subprocess
import threading
import zipfile
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """A private authority's certificate, and one that it signed for `localhost`."""

    certificate: Path
    server: tuple[Path, Path]


def make_authority(folder: Path) -> Authority:
    def openssl(*arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments],  # noqa: S607  # a tool of the system's
            check=True,
            capture_output=True,
            cwd=folder,
        )

    folder.mkdir(parents=True)
    basic = ("-addext", "basicConstraints=critical,CA:TRUE")
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    names = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Private", "-days", "2")
    openssl("req", "-x509", *_CURVE, *names, *basic, *usage)
    openssl("req", *_CURVE, "-keyout", "srv.key", "-out", "srv.csr", "-subj", "/CN=localhost")
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
    )
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl("x509", "-req", "-in", "srv.csr", "-out", "srv.pem", *signing, "-extfile", "extensions")
    return Authority(folder / "ca.pem", (folder / "srv.pem", folder / "srv.key"))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def make_index(folder: Path) -> Path:
    """Make an index of one package, `private-thing`, in *folder*."""
    package = folder / "simple" / "private-thing"
    package.mkdir(parents=True)
    wheel = package / "private_thing-1.0-py3-none-any.whl"
    info = "private_thing-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("private_thing.py", "")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: private-thing\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (package / "index.html").write_text(
        f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>', encoding="utf-8"
    )
    return folder


@dataclass
class Guarded:
    """A server of a folder: *port*, and the paths asked for by whom was let in."""

    port: int = 0
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve_guarded(
    folder: Path,
    *,
    authorization: str | None = None,
    prefix: str = "",
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[Guarded]:
    """Serve *folder* below *prefix* to those who send the header *authorization*."""
    served = Guarded()
    handler = partial(_Folder, (served, authorization, prefix), directory=str(folder))
    with _run(handler, certificate) as served.port:
        yield served


@contextlib.contextmanager
def run_proxy(
    authorization: str | None = None, *, ports: Mapping[int, int] | None = None
) -> Iterator[Guarded]:
    """Run a proxy that takes every host for this machine, for those who send *authorization*.

    *ports* are taken for others.
    """
    proxy = Guarded()
    with _run(partial(_Proxy, (proxy, authorization, ports or {})), None) as proxy.port:
        yield proxy


@contextlib.contextmanager
def _run(
    handler: Callable[..., BaseHTTPRequestHandler], certificate: tuple[Path, Path] | None
) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:  # type: ignore[arg-type]
        server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up, may
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Folder(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, asked: tuple[Guarded, str | None, str], *args: Any, **more: Any) -> None:
        self.served, self.authorization, self.prefix = asked
        super().__init__(*args, **more)

    def send_head(self) -> Any:
        is_known = self.authorization in (None, self.headers.get("Authorization"))
        if not is_known or not self.path.startswith(self.prefix):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.served.requests.append(self.path)
        self.path = self.path.removeprefix(self.prefix)
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""


class _Proxy(BaseHTTPRequestHandler):
    def __init__(self, asked: tuple[Guarded, str | None, Mapping[int, int]], *args: Any) -> None:
        self.proxy, self.authorization, self.ports = asked
        super().__init__(*args)

    def _is_let_in(self) -> bool:
        if self.authorization in (None, self.headers.get("Proxy-Authorization")):
            self.proxy.requests.append(self.path)
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_CONNECT(self) -> None:
        if not self._is_let_in():
            return
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", self.ports.get(port, port))) as far:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            ends = {far: self.connection, self.connection: far}
            while readable := select.select(list(ends), [], [], 10)[0]:
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def do_GET(self) -> None:
        if not self._is_let_in():
            return
        parts = urlsplit(self.path)
        far = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=10)
        kept = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
        far.request(self.command, parts.path, headers=kept)
        answer = far.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "ETag", "Last-Modified", "WWW-Authenticate"):
            if value := answer.getheader(name):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        far.close()

    do_HEAD = do_GET  # noqa: N815  # the base's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""
