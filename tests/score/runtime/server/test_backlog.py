"""Answers that nobody takes: what the server holds of them, watched from outside."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.served import serve_script

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from support.served import ServedScript

pytestmark = pytest.mark.slow

SCRIPT = """
    def init(): pass
    def run(raw_data): return "x" * int(raw_data)
"""
MEBIBYTE = 1 << 20


def ask_for(size: int) -> bytes:
    body = str(size).encode()
    return b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@contextlib.contextmanager
def peak_of(pid: int) -> Iterator[Callable[[], int]]:
    """Watch the memory of a process; give what tells the most that it had, in MiB."""
    peak = [0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.005):
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            peak[0] = max(peak[0], int(found[1]) // 1024 if found else 0)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: peak[0]
    finally:
        is_over.set()
        thread.join()


def fill(socks: list[socket.socket], data: bytes, seconds: float) -> None:
    """Send *data* again and again on each of *socks*, as much as it takes; read nothing."""
    for sock in socks:
        sock.setblocking(False)  # noqa: FBT003  # the library's signature
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for sock in socks:
            with contextlib.suppress(OSError):
                sock.send(data)
        time.sleep(0.005)


def close_all(socks: list[socket.socket]) -> None:
    for sock in socks:
        sock.close()


def test_large_answers_that_nobody_takes_are_bounded_in_all(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, SCRIPT) as served, peak_of(served.process.pid) as peak:
        hogs = [served.connect() for _ in range(20)]
        for sock in hogs:
            sock.sendall(ask_for(28 * MEBIBYTE))
        time.sleep(1)
        started = time.monotonic()

        assert served.ask(body="5").json == "xxxxx"
        assert time.monotonic() - started < 15
        assert peak() < 256
        close_all(hogs)


@pytest.mark.parametrize(
    "request_",
    [ask_for(200_000), b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n" * 50, b"?\r\n\r\n"],
    ids=["score", "not found", "no request"],
)
def test_pipelined_requests_without_a_reader_are_bounded(
    python: Path, tmp_path: Path, request_: bytes
) -> None:
    with serve_script(python, tmp_path, SCRIPT, "--access-log", "no") as served:
        with peak_of(served.process.pid) as peak:
            hogs = [served.connect() for _ in range(100)]
            fill(hogs, request_, 2)

            assert served.ask(body="5").json == "xxxxx"
            assert peak() < 256
        close_all(hogs)


def test_a_stream_that_nobody_takes_is_bounded(python: Path, tmp_path: Path) -> None:
    script = """
        from azureml.contrib.services.aml_request import rawhttp
        from azureml.contrib.services.aml_response import AMLResponse

        def init(): pass

        @rawhttp
        def run(request):
            def pieces():
                for _ in range(300):
                    yield b"x" * 1048576
            response = AMLResponse(b"", 200)
            response.response = pieces()
            return response
    """
    with serve_script(python, tmp_path, script, "--workers", "2") as served:
        with peak_of(served.process.pid) as peak:
            hogs = [served.connect() for _ in range(2)]
            for sock in hogs:
                sock.sendall(ask_for(1))
            time.sleep(3)

            assert peak() < 100
        close_all(hogs)


def read_slowly(served: ServedScript, size: int, found: list[int]) -> None:
    with served.connect() as sock:
        sock.sendall(ask_for(size).replace(b"HTTP/1.1", b"HTTP/1.0"))
        count = 0
        while part := sock.recv(MEBIBYTE):
            count += len(part)
            time.sleep(0.005)
        found.append(count)


def test_clients_that_read_slowly_get_all_of_it(python: Path, tmp_path: Path) -> None:
    found: list[int] = []
    with serve_script(python, tmp_path, SCRIPT) as served, peak_of(served.process.pid) as peak:
        clients = [
            threading.Thread(target=read_slowly, args=(served, 28 * MEBIBYTE, found))
            for _ in range(12)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

        assert len(found) == 12
        assert min(found) > 28 * MEBIBYTE
        assert peak() < 256


def test_one_answer_may_be_larger_than_the_bound(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, SCRIPT) as served, served.connect() as slow:
        slow.sendall(ask_for(100 * MEBIBYTE))
        time.sleep(3)

        assert served.ask(body="5").json == "xxxxx"  # while that one is not taken
        assert len(served.ask(body=str(100 * MEBIBYTE)).body) == 100 * MEBIBYTE + 2
