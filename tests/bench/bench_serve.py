"""`envsync serve` against Azure ML's own server, one worker each, in the same run.

    python tests/bench/bench_serve.py [SECONDS]

Needs `wrk` (a Debian package), and an index to install the other server from.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import uv

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from channel import default_cache

ECHO = "def init(): pass\ndef run(raw_data): return raw_data\n"
COUNT = "import json\ndef init(): pass\ndef run(raw_data): return len(json.loads(raw_data))\n"
PEER = ("azureml-inference-server-http==1.5.1", "inference-schema==1.8")
LOADS = (("echo", ECHO, '{"data": [[1, 2, 3, 4, 5]]}', 1), ("echo", ECHO, "[1]", 8))
MEGABYTE = "[" + "0.123456789, " * 80_000 + "0]"


@dataclass
class Contender:
    """A server to measure: its command with the place for the port left open."""

    name: str
    command: tuple[str, ...]
    rates: dict[str, list[float]] = field(default_factory=dict)
    slowest: dict[str, list[float]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    memory: int = 0


def peer_python() -> Path:
    """Return a Python that has the other server, in an environment that is kept."""
    home = default_cache() / "azmlinfsrv-1.5.1"
    python = home / "bin" / "python"
    if not python.exists():
        run_uv("venv", "--quiet", "--python", sys.executable, str(home))
        run_uv("pip", "install", "--quiet", "--python", str(python), *PEER)
    return python


def run_uv(*arguments: str) -> None:
    subprocess.run([uv.find_uv_bin(), *arguments], check=True)


def measure(
    contender: Contender, folder: Path, load: tuple[str, str, str, int], seconds: int
) -> None:
    """Start the contender's server, load it with `wrk`, and note what came of it."""
    name, script, body, connections = load
    (folder / "score.py").write_text(script)
    (folder / "load.lua").write_text(f"wrk.method='POST'\nwrk.body=[==[{body}]==]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [word.format(port=port) for word in contender.command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_answer(port)
        contender.first.append(time.perf_counter() - started)
        contender.memory = max(contender.memory, memory_below(server.pid))
        url = f"http://127.0.0.1:{port}/score"
        options = ("-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", "load.lua")
        done = subprocess.run(
            [str(shutil.which("wrk")), *options, url],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    key = f"{name}, {connections} connection{'s' * (connections > 1)}"
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    if rate is not None and slowest is not None:
        unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[slowest[2]]
        contender.rates.setdefault(key, []).append(float(rate[1]))
        contender.slowest.setdefault(key, []).append(float(slowest[1]) * unit)


def wait_for_answer(port: int) -> None:
    """Return after the first answer that is a 200."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/score", "[1]")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()


def memory_below(pid: int) -> int:
    """Return how many MiB the process *pid* and its children have."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    own = int(found[1]) // 1024 if found else 0
    return own + sum(memory_below(int(child)) for child in children)


def main() -> int:
    """Measure both in turn, three times each, and print a table of medians."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if shutil.which("wrk") is None:
        print("needs wrk: apt-get install wrk")
        return 1
    python = peer_python()
    serve = ("-m", "envsync", "serve", "--python", str(python), "--port", "{port}")
    ours = Contender("envsync", (sys.executable, *serve))
    peer = str(python.parent / "azmlinfsrv")
    theirs = Contender("azmlinfsrv", (peer, "--entry_script", "score.py", "--port", "{port}"))
    loads = (*LOADS, ("1 MB bodies", COUNT, MEGABYTE, 1), ("1 MB bodies", COUNT, MEGABYTE, 8))
    with tempfile.TemporaryDirectory() as folder:
        for load in loads:
            for _ in range(3):
                for contender in (theirs, ours):
                    measure(contender, Path(folder), load, seconds)
    print("| load | azmlinfsrv | envsync | ratio | p99 azmlinfsrv | p99 envsync |")
    print("| --- | --- | --- | --- | --- | --- |")
    for key, rates in theirs.rates.items():
        one, other = statistics.median(rates), statistics.median(ours.rates[key])
        slow, slower = statistics.median(theirs.slowest[key]), statistics.median(ours.slowest[key])
        figures = (
            f"{one:.0f}/s | {other:.0f}/s | {other / one:.1f} | {slow:.2f} ms | {slower:.2f} ms"
        )
        print(f"| {key} | {figures} |")
    first, second = statistics.median(theirs.first), statistics.median(ours.first)
    print(f"| first answer | {first:.2f} s | {second:.2f} s | {second / first:.2f} | | |")
    print(f"| memory | {theirs.memory} MiB | {ours.memory} MiB | | | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
