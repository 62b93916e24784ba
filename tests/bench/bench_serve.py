"""`envsync serve` against Azure ML's own server, one worker each, in the same run.

    python tests/bench/bench_serve.py [SECONDS]

Each load is put on each server for SECONDS (5), in turn, five times. Needs `wrk` (a Debian
package), and an index to install the other server from.
"""

from __future__ import annotations

import contextlib
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
from typing import TYPE_CHECKING

import uv
from measure import environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from channel import default_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

ECHO = "def init(): pass\ndef run(raw_data): return raw_data\n"
COUNT = "import json\ndef init(): pass\ndef run(raw_data): return len(json.loads(raw_data))\n"
DIGITS = """
import json, os, joblib, numpy
def init():
    global model
    model = joblib.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.joblib"))
def run(raw_data):
    return model.predict(numpy.array(json.loads(raw_data)["data"])).tolist()
"""
TRAIN = """
import joblib
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
pictures, digits = load_digits(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=1000).fit(pictures / 16, digits), "digits.joblib")
"""
PICTURE = '{"data": [[' + ", ".join(["0.0", "0.25", "0.9375", "1.0"] * 16) + "]]}"
MEGABYTE = "[" + "0.123456789, " * 80_000 + "0]"
PEER = ("azureml-inference-server-http==1.5.1", "inference-schema==1.8", "scikit-learn==1.7.2")
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests of one kind; *pace* is how many a second both servers can answer with ease."""

    name: str
    script: str
    body: str
    pace: int


LOADS = (
    Load(name="echo", script=ECHO, body='{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}', pace=500),
    Load(name="digits", script=DIGITS, body=PICTURE, pace=300),
    Load(name="1 MB bodies", script=COUNT, body=MEGABYTE, pace=20),
)


@dataclass
class Contender:
    """A server to measure: its command with the place for the port left open."""

    name: str
    command: tuple[str, ...]
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, figure: float) -> None:
        """Add a figure of this round."""
        self.figures.setdefault(what, []).append(figure)


def peer_python() -> Path:
    """Return a Python that has the other server, in an environment that is kept."""
    home = default_cache() / "azmlinfsrv-1.5.1-digits"
    python = home / "bin" / "python"
    if not (home / "made").exists():
        run_uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        run_uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *PEER)
        (home / "made").touch()
    return python


def run_uv(*arguments: str) -> None:
    subprocess.run([uv.find_uv_bin(), *arguments], check=True)


@contextlib.contextmanager
def serving(contender: Contender, folder: Path) -> Iterator[tuple[int, int]]:
    """Start the contender's server; give its process and port once it has answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [word.format(port=port) for word in contender.command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_answer(port)
        contender.note("first answer", time.perf_counter() - started)
        yield server.pid, port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for_answer(port: int) -> None:
    """Return after the first answer, whatever it says."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/score", "[1]")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.002)
        else:
            return
        finally:
            connection.close()


def measure(contender: Contender, folder: Path, load: Load, seconds: int) -> None:
    """Start the contender's server, load it in three ways, and note what came of it."""
    (folder / "score.py").write_text(load.script)
    (folder / "load.lua").write_text(
        "wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\n"
        f"wrk.body=[==[{load.body}]==]\n"
    )
    with serving(contender, folder) as (pid, port):
        if load.name == "echo":
            for name, mebibytes in memory_of(pid).items():
                contender.note(name, mebibytes)
        for connections in (1, 8):
            rate, slowest = run_wrk(folder, port, connections, seconds)
            key = f"{load.name}, {connections} connection{'s' * (connections > 1)}"
            contender.note(key, rate)
            contender.note(f"{key}: p99", slowest)
        contender.note(f"{load.name}, {load.pace}/s: p99", run_paced(port, load, seconds))


def run_wrk(folder: Path, port: int, connections: int, seconds: int) -> tuple[float, float]:
    """Return how many answers a second came, and the 99th percentile in milliseconds."""
    options = ("-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", "load.lua")
    done = subprocess.run(
        [str(shutil.which("wrk")), *options, f"http://127.0.0.1:{port}/score"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    if rate is None or slowest is None or "Non-2xx" in done.stdout:
        sys.exit(f"wrk did not measure anything:\n{done.stdout}")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[slowest[2]]
    return float(rate[1]), float(slowest[1]) * unit


def run_paced(port: int, load: Load, seconds: int) -> float:
    """Return the 99th percentile in milliseconds of requests that come at the load's pace."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body, headers = load.body.encode(), {"Content-Type": "application/json"}
    taken = []
    start = time.perf_counter()
    for number in range(load.pace * seconds):
        time.sleep(max(0.0, start + number / load.pace - time.perf_counter()))
        asked = time.perf_counter()
        connection.request("POST", "/score", body, headers)
        connection.getresponse().read()
        taken.append((time.perf_counter() - asked) * 1000)
    connection.close()
    return statistics.quantiles(taken, n=100)[98]


def memory_of(pid: int) -> dict[str, float]:
    """Return how many MiB the process *pid* with its children has, and the largest child."""
    found = [resident(one) for one in list_below(pid)]
    return {"memory": sum(found), "memory of a worker": found[-1]}


def list_below(pid: int) -> list[int]:
    """Return *pid* and the processes below it, a parent before its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in list_below(int(child)))]


def resident(pid: int) -> float:
    """Return how many MiB the process *pid* has."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def bare_memory(python: Path) -> float:
    """Return how many MiB an interpreter has that does nothing."""
    waits = [str(python), "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, env=environment()) as bare:
        time.sleep(0.5)
        found = resident(bare.pid)
        bare.communicate(b"\n")
    return found


def show(theirs: Contender, ours: Contender) -> Iterator[str]:
    """Give a table of medians: first what is better the more it is, p99 and times after it."""
    yield "| what | azmlinfsrv | envsync | ratio |"
    yield "| --- | --- | --- | --- |"
    for what, figures in theirs.figures.items():
        one, other = statistics.median(figures), statistics.median(ours.figures[what])
        unit = "ms" if what.endswith("p99") else "/s"
        unit = "s" if what == "first answer" else "MiB" if what.startswith("memory") else unit
        digits = 0 if unit in ("/s", "MiB") else 2
        shown = f"{one:.{digits}f} {unit} | {other:.{digits}f} {unit}"
        yield f"| {what} | {shown} | {other / one:.2f} |"


def main() -> int:
    """Measure both in turn, and print a table of medians."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if shutil.which("wrk") is None:
        print("Skipped: it needs wrk; install it with `apt-get install wrk`")
        return 0
    python = peer_python()
    serve = ("-m", "envsync", "serve", "--python", str(python), "--port", "{port}")
    ours = Contender("envsync", (sys.executable, *serve))
    peer = str(python.parent / "azmlinfsrv")
    theirs = Contender("azmlinfsrv", (peer, "--entry_script", "score.py", "--port", "{port}"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([str(python), "-c", TRAIN], cwd=folder, check=True)
        for load in LOADS:
            for _ in range(ROUNDS):
                for contender in (theirs, ours):
                    measure(contender, folder, load, seconds)
    print("\n".join(show(theirs, ours)))
    print(f"\nA Python that does nothing: {bare_memory(python):.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
