"""Debuggers that attach: debugpy as VS Code talks to it, and pdb through a socket."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, cast

import pytest
from channel import default_cache
from support.scoring_python import make_scoring_python
from support.served import serve_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.served import Reply

pytestmark = pytest.mark.slow

_CACHE = default_cache()

SCRIPT = """import json

def init():
    print("init of the script")

def run(raw_data):
    data = json.loads(raw_data)
    total = sum(data["data"])
    return total
"""
LINE = 9  # `return total`


@pytest.fixture
def port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
    return number


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "good.json").write_text('{"data": [1, 2]}')
    (tmp_path / "bad.json").write_text('{"dta": [1, 2]}')
    return tmp_path


@contextlib.contextmanager
def scoring(python: Path, folder: Path, port: int, *requests: str) -> Iterator[subprocess.Popen]:
    """Run `envsync score` with a debugger at *port*."""
    command = [sys.executable, "-m", "envsync", "score", "--python", str(python)]
    command += ["--debug-port", str(port)]
    for request in requests:
        command += ["--data", request]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def connect(port: int) -> socket.socket:
    """Return a connection to *port*, once something listens there."""
    found: list[socket.socket] = []

    def is_open() -> bool:
        with contextlib.suppress(OSError):
            found.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        return bool(found)

    wait_until(is_open, f"a debugger at {port}")
    return found[0]


class Terminal:
    """A person with `nc` at the prompt of pdb."""

    def __init__(self, sock: socket.socket) -> None:
        self._stream = sock.makefile("rw", encoding="utf-8")
        self.seen = self._read()

    def type(self, line: str) -> str:
        self._stream.write(line + "\n")
        self._stream.flush()
        self.seen = self._read()
        return self.seen

    def leave(self) -> None:
        self._stream.write("q\n")
        self._stream.flush()

    def _read(self) -> str:
        text = ""
        while not text.endswith("(Pdb) "):
            got = self._stream.read(1)
            if not got:
                break
            text += got
        return text


def test_pdb_stops_at_the_script_at_breakpoints_and_at_what_fails(
    any_python: Path, folder: Path, port: int
) -> None:
    with (
        scoring(any_python, folder, port, "good.json", "bad.json") as process,
        connect(port) as sock,
    ):
        terminal = Terminal(sock)
        assert f"{folder / 'score.py'}(1)" in terminal.seen
        assert f"score.py:{LINE}" in terminal.type(f"b score.py:{LINE}")
        assert f"({LINE})run()" in terminal.type("c")
        assert terminal.type("p total").startswith("3\n")
        assert "KeyError: 'data'" in terminal.type("c")
        assert "dta" in terminal.type("p raw_data")
        terminal.leave()
        out, err = process.communicate(timeout=20)

    assert out.splitlines()[0] == '{"result": 3}'
    assert "pdb listens at 127.0.0.1" in err
    assert process.returncode == 1


def test_who_hangs_up_lets_the_script_go_on(python: Path, folder: Path, port: int) -> None:
    with scoring(python, folder, port, "good.json") as process:
        connect(port).close()
        out, _ = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, '{"result": 3}\n')


def test_a_breakpoint_of_the_script_waits_for_who_comes_again(
    python: Path, folder: Path, port: int
) -> None:
    (folder / "score.py").write_text(SCRIPT.replace("    return", "    breakpoint()\n    return"))
    with scoring(python, folder, port, "good.json") as process:
        connect(port).close()
        with connect(port) as sock:
            terminal = Terminal(sock)
            assert terminal.type("p total").startswith("3\n")
            terminal.leave()
        out, _ = process.communicate(timeout=20)

    assert (process.returncode, out) == (0, '{"result": 3}\n')


def test_a_port_that_is_taken_is_said(python: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with scoring(python, folder, number, "good.json") as process:
            _, err = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "Error: The debugger cannot listen: " in err
    assert "Hint: choose another port with `--debug-port`" in err


class Editor:
    """Speaks the Debug Adapter Protocol, as VS Code does."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = cast("IO[bytes]", sock.makefile("rwb"))
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def request(self, command: str, **arguments: object) -> int:
        self._number += 1
        told = {
            "seq": self._number,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        body = json.dumps(told).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._stream.flush()
        return self._number

    def answer(self, number: int) -> dict[str, Any]:
        while True:
            message = self._read()
            if message["type"] == "response" and message["request_seq"] == number:
                assert message["success"], message
                body: dict[str, Any] = message.get("body", {})
                return body
            self._events.append(message)

    def event(self, name: str) -> dict[str, Any]:
        while True:
            for at, message in enumerate(self._events):
                if message.get("event") == name:
                    del self._events[at]
                    body: dict[str, Any] = message.get("body", {})
                    return body
            self._events.append(self._read())

    def leave(self) -> None:
        """Hang up once the script has ended; debugpy's adapter waits for that."""
        self.event("terminated")
        self._sock.shutdown(socket.SHUT_RDWR)

    def _read(self) -> dict[str, Any]:
        length = 0
        while (line := self._stream.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._stream.read(length))
        return message


def attach(editor: Editor, script: Path) -> None:
    """Do as VS Code does with the launch configuration in the guide."""
    editor.answer(editor.request("initialize", adapterID="debugpy", clientID="vscode"))
    attached = editor.request("attach", justMyCode=True)
    editor.event("initialized")
    breakpoints = [{"line": LINE}]
    editor.answer(
        editor.request("setBreakpoints", source={"path": str(script)}, breakpoints=breakpoints)
    )
    editor.answer(editor.request("configurationDone"))
    editor.answer(attached)


@pytest.fixture(scope="session")
def debugpy_python() -> Path:
    return make_scoring_python(_CACHE, ("debugpy==1.8.14",))


def test_an_editor_attaches_through_debugpy(debugpy_python: Path, folder: Path, port: int) -> None:
    with scoring(debugpy_python, folder, port, "good.json") as process, connect(port) as sock:
        editor = Editor(sock)
        attach(editor, folder / "score.py")
        stopped = editor.event("stopped")
        frames = editor.answer(editor.request("stackTrace", threadId=stopped["threadId"]))
        frame = frames["stackFrames"][0]
        value = editor.answer(editor.request("evaluate", expression="total", frameId=frame["id"]))
        editor.answer(editor.request("continue", threadId=stopped["threadId"]))
        editor.leave()
        out, err = process.communicate(timeout=20)

    assert (frame["name"], frame["line"], value["result"]) == ("run", LINE, "3")
    assert (process.returncode, out) == (0, '{"result": 3}\n'), err
    assert "debugpy listens at 127.0.0.1" in err


def processes_with(text: str) -> list[str]:
    command = ["pgrep", "-af", text]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def test_a_server_waits_at_a_breakpoint_past_the_timeout_and_leaves_no_process(
    debugpy_python: Path, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_TIMEOUT_MS", "200")
    options = ("--debug-port", str(port))
    with (
        serve_script(debugpy_python, folder, SCRIPT, *options, is_ready=False) as served,
        connect(port) as sock,
    ):
        editor = Editor(sock)
        attach(editor, folder / "score.py")
        served.wait_for_ready()
        answers: list[Reply] = []
        asking = threading.Thread(target=lambda: answers.append(served.ask(body='{"data": [4]}')))
        asking.start()
        stopped = editor.event("stopped")
        assert served.ask("GET", "/").status == 200
        time.sleep(0.6)
        editor.answer(editor.request("continue", threadId=stopped["threadId"]))
        asking.join(20)

        assert [answer.json for answer in answers] == [4]
        assert served.stop() == 0
        editor.leave()
    wait_until(lambda: not processes_with(f"debugpy.*{port}"), "the end of debugpy's adapter")


@pytest.mark.parametrize("more", [("--workers", "2"), ("--reload", "yes")])
def test_a_debugger_is_for_one_worker(python: Path, folder: Path, more: tuple[str, str]) -> None:
    options = ("--debug-port", "5678", *more)
    with serve_script(python, folder, SCRIPT, *options, is_ready=False) as served:
        assert served.process.wait(20) == 2
        assert "Error: --debug-port is for one worker, without --reload" in served.log
