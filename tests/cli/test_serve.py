from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = "def init(): pass\ndef run(raw_data): return raw_data\n"


@contextlib.contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    log = directory / "log"
    command = [sys.executable, "-m", "envsync", "serve", *arguments]
    with log.open("wb") as stream:
        server = subprocess.Popen(command, cwd=directory, stdout=stream, stderr=stream)
    try:
        yield server, log
    finally:
        if server.poll() is None:
            server.terminate()
        server.wait(30)


def port_in(log: Path, server: subprocess.Popen[bytes]) -> int:
    def is_ready() -> bool:
        return server.poll() is not None or "Ready: " in log.read_text()

    wait_until(is_ready, "the server")
    found = re.search(r"Ready: http://localhost:(\d+)/score", log.read_text())
    assert found is not None, log.read_text()
    return int(found[1])


def test_a_script_is_served_until_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = ("--python", sys.executable, "--port", "0")
    with serving(tmp_path, *options) as (server, log):
        for host in ("127.0.0.1", "localhost"):
            connection = http.client.HTTPConnection(host, port_in(log, server), timeout=30)
            connection.request("POST", "/score", body="hello")
            assert json.loads(connection.getresponse().read()) == "hello"
            connection.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


def test_curl_without_a_content_type_is_answered(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = ("--python", sys.executable, "--port", "0")
    with serving(tmp_path, *options) as (server, log):
        url = f"http://localhost:{port_in(log, server)}/score"
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "-d", '{"data": 1}', url],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(done.stdout) == '{"data": 1}'


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        (
            "def init(): pass\n",
            2,
            (
                "Error: Entry script `score.py` defines no `run` function\n"
                "Hint: Azure ML calls `init()` once, then `run(data)` for each request\n"
            ),
        ),
        (
            None,
            2,
            (
                "Error: Entry script `score.py` is not there\n"
                "  tried `{directory}/score.py`\n"
                "Hint: give its path with `--entry-script`\n"
            ),
        ),
    ],
)
def test_what_cannot_be_served_is_said(
    tmp_path: Path, script: str | None, status: int, error: str
) -> None:
    if script is not None:
        (tmp_path / "score.py").write_text(script)
    with serving(tmp_path, "--python", sys.executable, "--port", "0") as (server, log):
        assert server.wait(30) == status
    assert log.read_text().endswith(error.format(directory=tmp_path))


def test_a_port_that_is_none_is_a_wrong_command_line(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "70000") as (server, log):
        assert server.wait(30) == 2
    assert "70000 is not between 0 and 65535" in log.read_text()


def test_nothing_of_envsync_stays_between_shell_and_server(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    with serving(tmp_path, "--python", sys.executable, "--port", "0") as (server, log):
        port_in(log, server)
        command = Path(f"/proc/{server.pid}/cmdline")
        if not command.exists():
            pytest.skip("this system has no /proc")
        assert b"runtime/__main__.py" in command.read_bytes()
        started = time.monotonic()
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert time.monotonic() - started < 5
