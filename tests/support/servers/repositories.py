"""Git repositories made on the spot, and served over loopback by git's own program."""

from __future__ import annotations

import base64
import contextlib
import gzip
import os
import shutil
import subprocess
import threading
from functools import partial
from http.server import (
    BaseHTTPRequestHandler,
    SimpleHTTPRequestHandler,
    ThreadingHTTPServer,
)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GIT = shutil.which("git") or "git"
_WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
_PROJECT = """\
[build-system]
requires = ["setuptools>=60"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
dependencies = {needs}

[project.optional-dependencies]
more = ["six"]

[tool.setuptools]
py-modules = ["{name}"]
"""


def run_git(folder: Path, *words: str) -> str:
    """Run git in *folder*; return what it prints."""
    done = subprocess.run(
        [GIT, *_WHO, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write_project(folder: Path, name: str, version: str = "1.0", *, needs: str = "[]") -> None:
    """Write a Python project of one module into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    text = _PROJECT.format(name=name, version=version, needs=needs)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    (folder / f"{name}.py").write_text(f"VERSION = {version!r}\n", encoding="utf-8")


def commit(folder: Path, *, tag: str | None = None) -> str:
    """Commit all of *folder*, a repository from then on, and return the commit's id."""
    if not (folder / ".git").exists():
        run_git(folder, "init", "--quiet")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--allow-empty", "--message", "change")
    if tag is not None:
        run_git(folder, "tag", tag)
    return run_git(folder, "rev-parse", "HEAD")


class _Backend(BaseHTTPRequestHandler):
    """Hands requests to `git http-backend`."""

    def __init__(
        self, root: Path, password: str | None, seen: list[str | None], *args: object
    ) -> None:
        self._root = root
        self._seen = seen
        token = base64.b64encode(f"user:{password}".encode()).decode()
        self._expected = f"Basic {token}" if password is not None else None
        super().__init__(*args)  # type: ignore[arg-type]  # as the server passes them

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self._seen.append(self.headers.get("Authorization"))
        if self._expected is not None and self.headers.get("Authorization") != self._expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        done = subprocess.run(
            [GIT, "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self._root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""


class _Redirect(BaseHTTPRequestHandler):
    def __init__(self, target: str, *args: object) -> None:
        self._target = target
        super().__init__(*args)  # type: ignore[arg-type]  # as the server passes them

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"http://{self._target}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""


@contextlib.contextmanager
def serve_repositories(
    root: Path, password: str | None = None, *, seen: list[str | None] | None = None
) -> Iterator[str]:
    """Serve the repositories in *root*, to `user` with the *password*; give host and port.

    The `Authorization` of each request is added to *seen*.
    """
    with _run(partial(_Backend, root, password, [] if seen is None else seen)) as host:
        yield host


@contextlib.contextmanager
def serve_redirects(target: str) -> Iterator[str]:
    """Send everybody who asks to the host and port *target*; give host and port."""
    with _run(partial(_Redirect, target)) as host:
        yield host


@contextlib.contextmanager
def serve_folder(root: Path) -> Iterator[str]:
    """Serve the files in *root* to everybody; give host and port."""
    with _run(partial(_Files, directory=str(root))) as host:
        yield host


@contextlib.contextmanager
def _run(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
