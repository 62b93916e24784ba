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
from support.served import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

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


def status_of(port: int, **headers: str) -> int:
    """Return how a request with *headers* is answered, their names with `-` for `_`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", "/score", body="hello", headers=named)
        return connection.getresponse().status


def test_only_this_machine_is_answered_where_only_that_is_served(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = ("--python", sys.executable, "--port", "0")
    with serving(tmp_path, *options) as (server, log):
        port = port_in(log, server)

        assert status_of(port) == status_of(port, Host=f"localhost:{port}") == 200
        assert status_of(port, Host=f"evil.example:{port}") == 421
        assert status_of(port, Sec_Fetch_Site="cross-site") == 403
        assert "`--allowed-host`" in log.read_text()


@pytest.mark.parametrize(
    ("allowed", "statuses"),
    [(("ml.example.com", "other.example"), [200, 200, 421, 403]), (("*",), [200, 200, 200, 200])],
)
def test_hosts_are_allowed_by_name(
    tmp_path: Path, allowed: tuple[str, ...], statuses: list[int]
) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = [word for host in allowed for word in ("--allowed-host", host)]
    arguments = ("--python", sys.executable, "--port", "0", *options)
    with serving(tmp_path, *arguments) as (server, log):
        port = port_in(log, server)
        found = [
            status_of(port),
            status_of(port, Host="ml.example.com"),
            status_of(port, Host="evil.example"),
            status_of(port, Sec_Fetch_Site="cross-site"),
        ]
    assert found == statuses


@pytest.mark.parametrize(
    ("more", "statuses"),
    [((), [200, 200]), (("--allowed-host", "ml.example.com"), [421, 403])],
)
def test_on_another_address_hosts_are_checked_only_where_they_are_named(
    tmp_path: Path, more: tuple[str, ...], statuses: list[int]
) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = ("--python", sys.executable, "--port", "0", "--host", "0.0.0.0")  # noqa: S104
    with serving(tmp_path, *options, *more) as (_, log):
        wait_until(lambda: "Ready: " in log.read_text(), "the server")
        port = int(log.read_text().partition("0.0.0.0:")[2].partition("/")[0])
        found = [
            status_of(port, Host="evil.example"),
            status_of(port, Sec_Fetch_Site="cross-site"),
        ]
        assert status_of(port) == 200
    assert found == statuses


@pytest.mark.parametrize("text", ["http://a.example", "a.example:80", "a b", "", "*.", "[::1"])
def test_what_is_no_host_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "envsync", "serve", "--python", sys.executable]
    done = subprocess.run(
        [*command, "--allowed-host", text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"`{text}` is no host; give a name or an address" in done.stderr


def test_the_end_of_its_terminal_ends_it(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    options = ("--python", sys.executable, "--port", "0")
    with serving(tmp_path, *options) as (server, log):
        port_in(log, server)
        server.send_signal(signal.SIGHUP)
        server.send_signal(signal.SIGHUP)  # from the shell, after the terminal's

        assert server.wait(30) == 0
        assert "Stopping: " in log.read_text()
        assert "Loading the entry script again" not in log.read_text()


def test_a_server_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serving(tmp_path, "--python", sys.executable, "--port", "0") as (server, log):
            port = port_in(log, server)
            server.send_signal(signal.SIGHUP)

            assert status_of(port) == 200
            assert server.poll() is None
    finally:
        signal.signal(signal.SIGHUP, before)
