"""Many requests, some of which crash their worker or pass its time limit: none may be lost.

    python tests/bench/soak_serve.py [COUNT]

Every request has an identifier and has to get exactly one answer with it, the right one.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.served import ServedScript, serve_script

if TYPE_CHECKING:
    import socket

SCRIPT = """
    import os, time

    def init():
        pass

    def run(raw_data):
        if raw_data == "die":
            os._exit(9)
        if raw_data == "sleep":
            time.sleep(60)
        if raw_data == "raise":
            raise ValueError("on purpose")
        return raw_data
"""
CLIENTS = 8
KINDS = {"die": 0.0005, "sleep": 0.00005, "raise": 0.01}
STATUS = {"die": 500, "sleep": 500, "raise": 500}
_HEAD = re.compile(rb"HTTP/1\.1 (\d+) .*?Content-Length: (\d+)\r\n.*?\r\n\r\n", re.DOTALL)


class Client(threading.Thread):
    """Sends its share of the requests on one connection, and checks each answer."""

    def __init__(self, served: ServedScript, number: int, count: int) -> None:
        super().__init__()
        self._served = served
        self._number = number
        self._count = count
        self.found: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        chance = random.Random(self._number)  # noqa: S311  # the same soak each time
        sock = self._served.connect()
        for at in range(self._count):
            kind = pick(chance)
            request_id = f"{self._number}-{at}"
            body = kind or request_id
            head = (
                f"POST /score HTTP/1.1\r\nHost: a\r\nx-request-id: {request_id}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            sock.sendall((head + body).encode())
            status, answer_head, answer = receive(sock)
            self.found[kind or "echo"] += 1
            right = status == STATUS.get(kind, 200) and (kind or answer == f'"{body}"'.encode())
            if not right or f"x-request-id: {request_id}\r\n".encode() not in answer_head:
                self.wrong.append(f"{request_id} {kind}: {status} {answer!r}")
        sock.setblocking(False)  # noqa: FBT003  # the library's signature
        try:
            surplus = sock.recv(1)
        except BlockingIOError:
            surplus = b""
        if surplus:
            self.wrong.append("an answer too many")
        sock.close()


def pick(chance: random.Random) -> str:
    """Return what kind of request is next; empty is one that is answered as it is."""
    drawn = chance.random()
    for kind, share in KINDS.items():
        if drawn < share:
            return kind
        drawn -= share
    return ""


def receive(sock: socket.socket) -> tuple[int, bytes, bytes]:
    """Return the status, the head and the body of one answer."""
    data = sock.recv(65536)
    while (match := _HEAD.match(data)) is None or len(data) < match.end() + int(match[2]):
        part = sock.recv(65536)
        if not part:
            raise ConnectionError(f"hung up after {data!r}")
        data += part
    return int(match[1]), data[: match.end()], data[match.end() :]


def main() -> int:
    """Soak, print what came of it, and return 1 if a request was lost."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    options = ("--workers", "2", "--access-log", "no")
    environ = {"SCORING_TIMEOUT_MS": "1000"}
    with tempfile.TemporaryDirectory() as folder:
        python = Path(sys.executable)
        with serve_script(python, Path(folder), SCRIPT, *options, environ=environ) as served:
            at_first = memory_of(served.process.pid)
            clients = [Client(served, number, count // CLIENTS) for number in range(CLIENTS)]
            started = time.monotonic()
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            seconds = time.monotonic() - started
            memory = memory_of(served.process.pid)
            status = served.stop()  # and no worker may be left, else this raises
    found = sum((client.found for client in clients), Counter())
    wrong = [line for client in clients for line in client.wrong]
    print(f"{found.total()} requests in {seconds:.0f} s, {found.total() / seconds:.0f}/s")
    print(", ".join(f"{kind}: {number}" for kind, number in sorted(found.items())))
    print(f"lost or wrong: {count // CLIENTS * CLIENTS - found.total() + len(wrong)}")
    print(f"memory of the server: {at_first} MiB at first, {memory} MiB at last")
    print(f"status of the server: {status}, no process is left")
    for line in wrong[:20]:
        print(line)
    return 1 if wrong or found.total() != count // CLIENTS * CLIENTS else 0


def memory_of(pid: int) -> int:
    """Return how many MiB of memory the process *pid* has, 0 where nobody says."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    sys.exit(main())
