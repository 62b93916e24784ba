"""Real registries on loopback, and one that behaves badly."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import socket
import subprocess
import tarfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

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
    authorizations: list[str | None] = field(default_factory=list)


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
            scripted.authorizations.append(self.headers.get("Authorization"))
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


def put_archive(archive: Path, name: str, *, login: str = "") -> str:
    """Put the image in *archive* into a registry under *name* (`HOST/REPOSITORY:TAG`).

    *login* is `USER:PASSWORD`. The digest of its manifest is returned.
    """
    host, _, rest = name.partition("/")
    repository = rest.rpartition(":")[0]
    with tarfile.open(archive) as opened:

        def read(member: str) -> bytes:
            stream = opened.extractfile(member)
            assert stream is not None
            return stream.read()

        entry = json.loads(read("manifest.json"))[0]
        config, layers = read(entry["Config"]), [read(path) for path in entry["Layers"]]
    root = f"http://{host}/v2/{repository}"
    for blob in (config, *layers):
        _, headers = _send("POST", f"{root}/blobs/uploads/", login=login)
        place = f"{headers['Location']}&digest={digest_of(blob)}"
        _send("PUT", place, blob, "application/octet-stream", login=login)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _describe(config, "application/vnd.docker.container.image.v1+json"),
        "layers": [_describe(it, "application/vnd.docker.image.rootfs.diff.tar") for it in layers],
    }
    return put_manifest(name, manifest, _MANIFEST, login=login)


def put_index(name: str, digests: Mapping[str, str]) -> str:
    """Put an index under *name* that has a digest for each architecture; return its own."""
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    entries = [
        {
            "mediaType": _MANIFEST,
            "digest": digest,
            "size": 1,
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, digest in digests.items()
    ]
    return put_manifest(name, {"schemaVersion": 2, "mediaType": kind, "manifests": entries}, kind)


def put_manifest(name: str, manifest: Mapping[str, object], kind: str, *, login: str = "") -> str:
    """Put *manifest* into a registry under *name*; return its digest."""
    host, _, rest = name.partition("/")
    repository, _, tag = rest.rpartition(":")
    content = json.dumps(manifest).encode()
    _send("PUT", f"http://{host}/v2/{repository}/manifests/{tag}", content, kind, login=login)
    return digest_of(content)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _describe(content: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


def _send(
    method: str, url: str, body: bytes = b"", kind: str = "", *, login: str = ""
) -> tuple[int, Mapping[str, str]]:
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310  # loopback
    request.add_header("Content-Type", kind)
    if login:
        request.add_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return answer.status, dict(answer.headers)


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
