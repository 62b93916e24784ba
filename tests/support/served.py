"""A server of an entry script for tests: the real runtime, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import textwrap
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from envsync.score.command import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATIENCE = 60.0


@dataclass
class Reply:
    """What a client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ServedScript:
    """A running server; `stop` gives its exit status."""

    process: subprocess.Popen[bytes]
    log_path: Path
    script_path: Path
    port: int = 0
    status: int | None = field(default=None)

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def ask(
        self,
        method: str = "POST",
        path: str = "/score",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def send_raw(self, data: bytes) -> bytes:
        """Send bytes, end the sending, and return all that comes until the server closes."""
        with self.connect() as sock:
            sock.sendall(data)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def worker_pids(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)],  # noqa: S607  # a tool of the system's
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(line) for line in found.stdout.split()]

    def wait_for_ready(self) -> None:
        self.wait_for_log(r"Ready: http://\S+/score")
        found = re.search(r"Ready: http://\S+:(\d+)/score", self.log)
        assert found is not None
        self.port = int(found[1])

    def wait_for_log(self, pattern: str, *, count: int = 1) -> None:
        def is_there() -> bool:
            return len(re.findall(pattern, self.log, re.MULTILINE)) >= count

        wait_until(is_there, f"{count} times {pattern!r} in\n{self.log}", self)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.status = self.process.wait(timeout=_PATIENCE)
        return self.status


def wait_until(is_there: Any, what: str, served: ServedScript | None = None) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_there():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        if served is not None and served.process.poll() is not None and not is_there():
            raise AssertionError(f"ended with {served.process.returncode}:\n{served.log}")
        time.sleep(0.01)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def serve_script(
    python: Path,
    directory: Path,
    script: str,
    *options: str,
    environ: Mapping[str, str] | None = None,
    is_ready: bool = True,
) -> Iterator[ServedScript]:
    """Serve *script* from *directory*, and end the server afterwards; nothing of it may stay."""
    path = directory / "score.py"
    path.write_text(textwrap.dedent(script), encoding="utf-8")
    log_path = directory / "server.log"
    command = [str(python), "-B", "-S", str(RUNTIME / "__main__.py"), "serve", "--port", "0"]
    command += ["--entry-script", str(path), "--app-root", str(directory), *options]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=directory,
            env={**os.environ, **(environ or {})},
        )
    served = ServedScript(process, log_path, path)
    try:
        if is_ready:
            served.wait_for_ready()
        workers = served.worker_pids()
        yield served
    finally:
        workers = served.worker_pids()
        if process.poll() is None:
            process.kill() if served.status is None and not is_ready else process.terminate()
        try:
            process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    for pid in workers:
        wait_until(lambda pid=pid: not is_alive(pid), f"the end of worker {pid}")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
