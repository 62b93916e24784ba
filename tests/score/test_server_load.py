"""What a server does with more than it can hold, and with scripts that misbehave."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.served import ServedScript, read_all, serve_script, wait_until

from envsync.score.runtime.server.process.listeners import explain_address

pytestmark = pytest.mark.slow

ECHO = "def init(): pass\n\ndef run(raw_data):\n    return len(raw_data)\n"
MEBIBYTE = 1 << 20


def memory_of(pid: int, kind: str = "VmRSS") -> int:
    """Return the resident memory of a process, in MiB; `VmHWM` is the most that it had."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def head(length: int) -> bytes:
    return b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length


def test_more_idle_connections_than_it_keeps_hold_up_nobody(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO) as served:
        idle = [served.connect() for _ in range(1000)]
        started = time.monotonic()

        assert served.ask(body="abc").json == 3
        assert time.monotonic() - started < 5
        for sock in idle:
            sock.close()


def send_side_by_side(socks: list[socket.socket], data: bytes) -> None:
    """Send *data* on each of *socks*, a piece at a time, until they have it or are hung up on."""
    unsent = dict.fromkeys(socks, memoryview(data))
    deadline = time.monotonic() + 20
    while unsent and time.monotonic() < deadline:
        for sock, left in list(unsent.items()):
            try:
                unsent[sock] = left[sock.send(left[:65536], socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                continue
            except OSError:
                unsent[sock] = left[:0]
            if not unsent[sock]:
                del unsent[sock]
    assert not unsent


def test_the_bodies_that_are_held_at_once_are_bounded(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO, "--max-body", "8") as served:
        clients = [served.connect() for _ in range(12)]
        send_side_by_side(clients, head(8 * MEBIBYTE) + bytes(7 * MEBIBYTE))
        wait_until(lambda: served.log.count(" 503 ") >= 7, "the refusals")

        assert memory_of(served.process.pid) < 100
        assert served.ask(body="abc").json == 3
        for sock in clients:
            sock.close()
        assert served.ask(body=bytes(8 * MEBIBYTE)).json == 8 * MEBIBYTE


def test_a_body_of_tiny_chunks_takes_little_more_memory_than_its_bytes(
    python: Path, tmp_path: Path
) -> None:
    count = 1_000_000
    with serve_script(python, tmp_path, ECHO) as served, served.connect() as sock:
        before = memory_of(served.process.pid)
        sock.sendall(
            b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        sock.sendall(b"2\r\nab\r\n" * count)
        sock.sendall(b"0\r\n\r\n")
        answer = sock.recv(65536)
        most = memory_of(served.process.pid, "VmHWM")

    assert most - before < 20
    assert answer.endswith(b"\r\n\r\n%d" % (2 * count))


def test_a_compressed_body_is_refused_and_not_expanded(python: Path, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(512 * MEBIBYTE), 1)
    with serve_script(python, tmp_path, ECHO) as served:
        before = memory_of(served.process.pid)
        reply = served.ask(body=bomb, headers={"Content-Encoding": "gzip"})

        assert reply.status == 400
        assert "cannot be decoded as UTF-8" in reply.json["message"]
        assert memory_of(served.process.pid) - before < 100


def test_two_gigabytes_are_refused_before_they_come(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO) as served, served.connect() as sock:
        sock.sendall(head(2 * 1024 * MEBIBYTE) + b"begun")

        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")
        assert memory_of(served.process.pid) < 100


def send_without_end(served: ServedScript, start: bytes, more: bytes) -> bytes:
    """Send *start*, then *more* until the server hangs up; return what it said."""
    with served.connect() as sock:
        sock.sendall(start)
        deadline = time.monotonic() + 20
        try:
            while time.monotonic() < deadline:
                sock.sendall(more)
        except OSError:
            return read_all(sock)
    raise AssertionError("the server took all of it")


@pytest.mark.parametrize(
    ("start", "more", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n" * 1000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 8000, 431),
        (b"GET /", b"a" * 8000, 414),
        (
            b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0",
            b"0" * 8000,
            400,
        ),
        (
            b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-A: b\r\n" * 1000,
            431,
        ),
        (
            b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n" * 100_000,
            413,
        ),
    ],
    ids=["headers", "header", "target", "chunk-size", "trailers", "chunks"],
)
def test_what_never_ends_is_refused_and_takes_no_memory(
    python: Path, tmp_path: Path, start: bytes, more: bytes, status: int
) -> None:
    with serve_script(python, tmp_path, ECHO, "--max-body", "1") as served:
        answer = send_without_end(served, start, more)

        assert answer.startswith(b"HTTP/1.1 %d " % status) or not answer
        assert f" {status} " in served.log
        assert memory_of(served.process.pid) < 100
        assert served.ask(body="next").json == 4


def test_a_thousand_pipelined_requests_are_answered_in_their_order(
    python: Path, tmp_path: Path
) -> None:
    with serve_script(python, tmp_path, ECHO, "--workers", "2") as served:
        stream = b"".join(head(at % 90) + b"x" * (at % 90) for at in range(1000))
        answers = served.send_raw(stream)

        assert [int(body) for body in re.findall(rb"\r\n\r\n(\d+)", answers)] == [
            at % 90 for at in range(1000)
        ]


def test_a_smuggled_request_is_never_run(python: Path, tmp_path: Path) -> None:
    script = "def init(): pass\n\ndef run(raw_data):\n    print('ran', raw_data)\n    return 1\n"
    inner = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsmuggled"
    outer = (
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 70\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"X: a\nContent-Length: 0\r\n\r\n",
    )
    with serve_script(python, tmp_path, script) as served:
        for fields in outer:
            served.send_raw(b"POST /score HTTP/1.1\r\nHost: a\r\n" + fields + inner)
        served.ask(body="honest")
        served.wait_for_log("ran honest")

        assert "smuggled" not in served.log


MISBEHAVING = """
    import os, shutil, sys, tempfile, threading, time

    def init():
        pass

    def run(raw_data):
        if raw_data == "chdir":
            folder = tempfile.mkdtemp()
            os.chdir(folder)
            shutil.rmtree(folder)
        if raw_data == "children":
            os.system("sleep 300 & sleep 300 &")
        if raw_data == "threads":
            for _ in range(50):
                threading.Thread(target=time.sleep, args=(2,)).start()
        if raw_data == "closed":
            sys.stdout.close()
            sys.stderr.close()
        if raw_data == "trap":
            import signal
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
        if raw_data == "abort":
            os.abort()
        if raw_data == "recursion":
            def again(): again()
            again()
        if raw_data == "environment":
            os.environ.clear()
            sys.path.clear()
            sys.modules.clear()
        if raw_data == "base":
            raise BaseException("neither Exception nor exit")
        if raw_data == "interrupt":
            raise KeyboardInterrupt
        if raw_data == "generator":
            raise GeneratorExit
        return "done"
"""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("chdir", 200),
        ("children", 200),
        ("threads", 200),
        ("closed", 200),
        ("trap", 200),
        ("environment", 200),
        ("abort", 500),
        ("recursion", 500),
        ("base", 500),
        ("interrupt", 500),
        ("generator", 500),
    ],
)
def test_whatever_run_does_ends_in_an_answer_and_the_next_is_answered(
    python: Path, tmp_path: Path, body: str, status: int
) -> None:
    with serve_script(python, tmp_path, MISBEHAVING) as served:
        groups = served.worker_pids()
        assert served.ask(body=body).status == status
        assert served.ask(body="next").json == "done"
        started = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - started < 15

    for group in groups:
        wait_until(lambda group=group: not members_of(group), f"the end of group {group}")


def members_of(group: int) -> list[str]:
    """Return the processes of *group* that are no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        state, _, its_group = rest.split()[:3]
        if int(its_group) == group and state != "Z":
            found.append(name)
    return found


UNLOADABLE = {
    "def init(:\n": (2, "cannot be parsed"),
    "\0": (2, "cannot be parsed"),
    "# coding: nonsense\n": (2, "cannot be parsed"),
    "def init(): pass\n": (2, "defines no `run` function"),
    "def run(d): pass\n": (2, "defines no `init` function"),
    "import os; os._exit(0)\n": (1, "ended with status 0 while it was loaded"),
    "import os; os.abort()\n": (1, "was killed by SIGABRT while it was loaded"),
    "import sys; sys.exit(0)\n": (1, "cannot be imported: SystemExit"),
    "def run(d): pass\ndef init():\n    raise BaseException('x')\n": (1, "BaseException: x"),
    "def run(d): pass\ndef init():\n    init()\n": (1, "RecursionError"),
}


def check_explained(python: Path, folder: Path, script: str) -> None:
    status, said = UNLOADABLE[script]
    with serve_script(python, folder, script, is_ready=False) as served:
        assert served.process.wait(30) == status
    assert said in served.log
    assert "envsync/score/runtime" not in served.log


@pytest.mark.parametrize("script", UNLOADABLE)
def test_a_script_that_cannot_be_loaded_is_explained(
    python: Path, tmp_path: Path, script: str
) -> None:
    check_explained(python, tmp_path, script)


@pytest.mark.parametrize("script", list(UNLOADABLE)[1:7:5])
def test_a_script_that_cannot_be_loaded_is_explained_by_every_python(
    any_python: Path, tmp_path: Path, script: str
) -> None:
    check_explained(any_python, tmp_path, script)


def test_a_process_that_dies_while_it_loads_is_always_noticed(python: Path, tmp_path: Path) -> None:
    for _ in range(15):
        check_explained(python, tmp_path, "import os; os._exit(0)\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_while_it_loads_it_stops_at_once(
    python: Path, tmp_path: Path, number: signal.Signals
) -> None:
    script = "def init():\n    print('loading')\n    while True: pass\n\ndef run(d): pass\n"
    with serve_script(python, tmp_path, script, is_ready=False) as served:
        served.wait_for_log("loading")
        started = time.monotonic()
        assert served.stop(number) == 0
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("place", ["init", "run"])
def test_a_server_that_is_killed_leaves_no_worker(python: Path, tmp_path: Path, place: str) -> None:
    endless = "    print('endless', flush=True)\n    while True: pass\n"
    bodies = {"init": "    pass\n", "run": "    pass\n", place: endless}
    script = f"def init():\n{bodies['init']}\ndef run(d):\n{bodies['run']}"
    with serve_script(python, tmp_path, script, is_ready=place == "run") as served:
        if place == "run":
            with served.connect() as sock:
                sock.sendall(head(1) + b"x")
                served.wait_for_log("endless")
        served.wait_for_log("endless")
        (worker,) = served.worker_pids()
        served.process.kill()
        wait_until(lambda: not members_of(worker), "the end of the worker")


def test_an_address_of_another_machine_is_said(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO, "--host", "192.0.2.1", is_ready=False) as served:
        assert served.process.wait(30) == 1
    assert "Error: Cannot listen on `192.0.2.1`" in served.log
    assert "Hint: give `--host` an address of this machine" in served.log


def test_a_port_below_1024_needs_rights() -> None:
    message, hint = explain_address(PermissionError(errno.EACCES, "no"), "localhost", 80)

    assert message == "Port 80 needs rights that this user lacks"
    assert hint == "choose one from 1024 on with `--port`"


def test_clients_that_vanish_cost_nothing(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO) as served:
        for cut in (1, 20, 60, 63):
            for _ in range(50):
                with served.connect() as sock:
                    sock.sendall((head(8) + b"12345678")[:cut])
                    linger = (1).to_bytes(4, "little") + bytes(4)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert served.ask(body="next").json == 4
        count = r"envsync_connections 1$"
        wait_until(
            lambda: re.search(count, served.ask("GET", "/metrics").body.decode(), re.MULTILINE),
            "the end of the connections",
        )


def test_a_stampede_of_large_and_small_requests_is_all_answered(
    python: Path, tmp_path: Path
) -> None:
    with serve_script(python, tmp_path, ECHO, "--workers", "2") as served:
        sizes = [1, 70_000, 3 * MEBIBYTE, 10] * 10
        found: list[tuple[int, object]] = []

        def ask(size: int) -> None:
            found.append((size, served.ask(body=bytes(size)).json))

        threads = [threading.Thread(target=ask, args=(size,)) for size in sizes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert sorted(found) == sorted((size, size) for size in sizes)


def test_clients_that_there_are_no_descriptors_for_wait_and_cost_nothing(
    python: Path, tmp_path: Path
) -> None:
    script = "import time\ndef init(): pass\ndef run(d): time.sleep(0.5)\n"
    with serve_script(python, tmp_path, script) as served:
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                sock = stack.enter_context(served.connect())
                sock.sendall(head(0))
            before = _cpu_seconds(served.process.pid)
            time.sleep(1.5)
            assert _cpu_seconds(served.process.pid) - before < 0.5
        wait_until(lambda: served.ask("GET", "/").status == 200, "an answer", served)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("streams", ["2>/dev/full", ">/dev/full 2>&1", "2>&-", ">&- 2>&- <&-"])
def test_a_log_that_cannot_be_written_ends_nothing(
    python: Path, tmp_path: Path, streams: str
) -> None:
    script = tmp_path / "score.py"
    text = "import os\ndef init(): print(1)\ndef run(d): return os._exit(9) if d else print(2)\n"
    script.write_text(text)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = f"exec {sys.executable} -m envsync serve --port {port} --python {python}"
    command += f" --entry-script {script} {streams}"
    process = subprocess.Popen(["/bin/sh", "-c", command])
    served = ServedScript(process, tmp_path / "no.log", script, port)
    try:
        wait_until(lambda: _is_ready(served), "the server", served)
        assert served.ask(body="x").status == 500
        assert served.ask(body="").json == {}
        assert served.stop() == 0
    finally:
        process.kill()
        process.wait()


def _is_ready(served: ServedScript) -> bool:
    with contextlib.suppress(OSError):
        return served.ask("GET", "/").status == 200
    return False
