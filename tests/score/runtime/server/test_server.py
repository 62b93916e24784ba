from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.served import is_alive, read_all, serve_script, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

ECHO = """
    def init():
        print("init of the script")

    def run(raw_data):
        print("run of the script")
        return raw_data
"""
STEPS = """
    import os, sys, time

    def init():
        global calls
        calls = 0

    def run(raw_data):
        global calls
        calls += 1
        if raw_data.startswith("sleep "):
            time.sleep(float(raw_data.split()[1]))
        elif raw_data == "exit":
            sys.exit(4)
        elif raw_data == "die":
            os._exit(9)
        elif raw_data == "segfault":
            os.kill(os.getpid(), 11)
        elif raw_data == "raise":
            raise ValueError("secret of the script")
        elif raw_data == "pid":
            return os.getpid()
        elif raw_data == "fork":
            if os.fork() == 0:
                return "the child"
            return "the parent"
        elif raw_data == "swallow":
            try:
                time.sleep(60)
            except Exception as error:
                return "swallowed " + type(error).__name__
        elif raw_data == "deaf":
            import signal
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            time.sleep(60)
        return calls
"""
FAILED = {
    "message": "An unexpected error occurred in scoring script. Check the logs for more info."
}


def test_a_request_is_answered_under_every_python(any_python: Path, tmp_path: Path) -> None:
    with serve_script(any_python, tmp_path, ECHO) as served:
        reply = served.ask(body='{"data": "é"}'.encode())
        assert (reply.status, reply.json) == (200, '{"data": "é"}')
        assert reply.headers["Content-Type"] == "application/json"
        assert served.ask("GET", "/").body == b"Healthy"
        assert served.stop() == 0
    assert "init of the script" in served.log
    assert "run of the script" in served.log


def test_each_answer_carries_what_azure_ml_sends(python: Path, tmp_path: Path) -> None:
    options = ("--lock-digest", "sha256:abc", "--version", "envsync/1.2")
    with serve_script(python, tmp_path, ECHO, *options) as served:
        headers = served.ask(body="1", headers={"x-ms-client-request-id": "mine"}).headers
    assert re.fullmatch(r"\d+\.\d{3}", headers["x-ms-run-fn-exec-ms"])
    assert headers["x-ms-run-function-failed"] == "False"
    assert headers["x-ms-client-request-id"] == headers["x-ms-request-id"] == "mine"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])
    assert headers["x-envsync-lock"] == "sha256:abc"
    assert headers["x-ms-server-version"] == "envsync/1.2"


def test_what_run_raises_is_in_the_log_and_not_in_the_answer(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        reply = served.ask(body="raise", headers={"x-request-id": "r-1"})
        assert (reply.status, reply.json) == (500, FAILED)
        assert reply.headers["x-ms-run-function-failed"] == "True"
        served.wait_for_log(r"^ValueError: secret of the script$")
        assert "ERROR envsync: request r-1: run() failed: ValueError: secret" in served.log
        assert "score/runtime" not in served.log
        assert served.ask(body="next").json == 2


def test_errors_are_shown_on_request(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS, "--show-errors", "yes") as served:
        reply = served.ask(body="raise")
    assert reply.json["traceback"].endswith("ValueError: secret of the script\n")


def test_exiting_in_run_ends_nothing(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        assert served.ask(body="exit").status == 500
        assert served.ask(body="next").json == 2


@pytest.mark.parametrize(
    ("body", "how"), [("die", "ended with status 9"), ("segfault", "was killed by SIGSEGV")]
)
def test_a_worker_that_dies_is_replaced_and_its_request_answered(
    python: Path, tmp_path: Path, body: str, how: str
) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        reply = served.ask(body=body)
        assert (reply.status, reply.json) == (500, FAILED)
        assert reply.headers["x-ms-run-function-failed"] == "True"
        assert served.ask(body="next").json == 1
        assert re.search(rf"Worker \d+ {how}", served.log)


def test_a_worker_killed_from_outside_is_replaced(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        first = served.ask(body="pid").json
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_alive(first), "the end of the worker")
        assert served.ask(body="pid").json != first


def test_a_child_that_the_script_forks_gives_no_answer(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        assert [served.ask(body="fork").json for _ in range(3)] == ["the parent"] * 3


@pytest.mark.parametrize("body", ["sleep 60", "swallow"])
def test_run_is_interrupted_at_the_scoring_timeout(python: Path, tmp_path: Path, body: str) -> None:
    environ = {"SCORING_TIMEOUT_MS": "200"}
    with serve_script(python, tmp_path, STEPS, environ=environ) as served:
        pid = served.ask(body="pid").json
        reply = served.ask(body=body)
        assert (reply.status, reply.json) == (500, {"message": "Scoring timeout after 200 ms"})
        assert reply.headers["x-ms-run-function-failed"] == "True"
        assert served.ask(body="pid").json == pid


def test_a_worker_that_is_deaf_to_the_timeout_is_killed(python: Path, tmp_path: Path) -> None:
    environ = {"SCORING_TIMEOUT_MS": "200"}
    with serve_script(python, tmp_path, STEPS, environ=environ) as served:
        pid = served.ask(body="pid").json
        reply = served.ask(body="deaf")
        assert (reply.status, reply.json) == (500, {"message": "Scoring timeout after 200 ms"})
        assert served.ask(body="pid").json != pid
        assert "is killed: over the scoring timeout" in served.log


def test_health_does_not_wait_behind_run(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        busy = threading.Thread(target=served.ask, kwargs={"body": "sleep 1.5"})
        busy.start()
        time.sleep(0.2)
        started = time.monotonic()
        assert served.ask("GET", "/").body == b"Healthy"
        assert time.monotonic() - started < 0.5
        busy.join()


def test_requests_queue_for_one_worker_and_share_two(python: Path, tmp_path: Path) -> None:
    def seconds(workers: str) -> float:
        with serve_script(python, tmp_path, STEPS, "--workers", workers) as served:
            wait_until(lambda: served.log.count("has loaded") == int(workers), "workers", served)
            threads = [
                threading.Thread(target=served.ask, kwargs={"body": "sleep 0.6"}) for _ in "ab"
            ]
            started = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.monotonic() - started

    assert seconds("1") >= 1.2
    assert seconds("2") < 1.2


def test_slow_clients_hold_up_nobody(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO) as served:
        slow = [served.connect() for _ in range(50)]
        for at, sock in enumerate(slow):
            sock.sendall(
                b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow"[: at + 5]
            )
        started = time.monotonic()
        assert served.ask(body="quick").json == "quick"
        assert time.monotonic() - started < 1
        for sock in slow:
            sock.close()


def test_one_connection_serves_many_requests(python: Path, tmp_path: Path) -> None:
    request = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d"
    with serve_script(python, tmp_path, ECHO) as served:
        answer = served.send_raw(b"".join(request % number for number in range(10)))
    assert re.findall(rb'\r\n\r\n"(\d)"', answer) == [b"%d" % number for number in range(10)]
    assert answer.count(b"Connection: keep-alive") == 10


def test_a_client_that_asks_for_it_is_hung_up_on(python: Path, tmp_path: Path) -> None:
    request = b"POST /score HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1"
    with serve_script(python, tmp_path, ECHO) as served, served.connect() as sock:
        sock.sendall(request)
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer


def test_a_body_in_chunks_is_put_together(python: Path, tmp_path: Path) -> None:
    request = (
        b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4;name=value\r\nwhol\r\n1\r\ne\r\n0\r\nTrailer: x\r\n\r\n"
    )
    with serve_script(python, tmp_path, ECHO) as served, served.connect() as sock:
        for at in range(len(request)):
            sock.sendall(request[at : at + 1])
        assert b'"whole"' in sock.recv(65536)


def test_a_client_that_waits_is_told_to_continue(python: Path, tmp_path: Path) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with serve_script(python, tmp_path, ECHO, "--max-body", "1") as served:
        with served.connect() as sock:
            sock.sendall(head % 4)
            assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"body")
            assert b'"body"' in sock.recv(65536)
        assert served.send_raw(head % 2_000_000_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\x00\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 300 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 70000 + b"\r\n\r\n", 431),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n1", 400),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n1", 400),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n1", 413),
        (
            (
                b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            400,
        ),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /score HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        (
            b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx\r\n\r\n",
            400,
        ),
    ],
)
def test_what_is_no_request_is_refused(
    python: Path, tmp_path: Path, request_bytes: bytes, status: int
) -> None:
    with serve_script(python, tmp_path, ECHO) as served:
        answer = served.send_raw(request_bytes)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"Connection: close" in answer
        assert served.ask(body="next").json == "next"


def test_a_script_that_cannot_be_loaded_ends_the_server(python: Path, tmp_path: Path) -> None:
    script = "def init():\n    raise RuntimeError('no model')\n\ndef run(d):\n    pass\n"
    with serve_script(python, tmp_path, script, is_ready=False) as served:
        assert served.process.wait(30) == 1
    assert served.log.endswith(
        "Error: `init()` of entry script `score.py` failed: RuntimeError: no model\n"
        "Traceback (most recent call last):\n"
        f'  File "{tmp_path / "score.py"}", line 2, in init\n'
        "    raise RuntimeError('no model')\n"
        "RuntimeError: no model\n"
        "There is no model dir: `AZUREML_MODEL_DIR` is not set\n"
        "Hint: give the directory of the model with `--model-dir`\n"
    )


def test_a_script_without_run_is_wrong(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, "def init(): pass\n", is_ready=False) as served:
        assert served.process.wait(30) == 2
    assert served.log.endswith(
        "Error: Entry script `score.py` defines no `run` function\n"
        "Hint: Azure ML calls `init()` once, then `run(data)` for each request\n"
    )


def test_a_port_in_use_is_said_at_once(python: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = ("--port", port, "--host", "127.0.0.1")
        started = time.monotonic()
        with serve_script(python, tmp_path, ECHO, *options, is_ready=False) as served:
            assert served.process.wait(30) == 1
        assert time.monotonic() - started < 3
    assert served.log == (
        f"Error: Port {port} of `127.0.0.1` is in use\n"
        "Hint: choose another with `--port`; 0 takes one that is free\n"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_lets_requests_end(
    python: Path, tmp_path: Path, number: signal.Signals
) -> None:
    replies = []
    with serve_script(python, tmp_path, STEPS) as served:
        idle = served.connect()
        threads = [
            threading.Thread(target=lambda: replies.append(served.ask(body="sleep 0.5")))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        assert served.stop(number) == 0
        for thread in threads:
            thread.join()
        idle.close()
    assert sorted(reply.json for reply in replies) == [1, 2, 3]


def test_a_request_that_does_not_end_in_time_is_given_up(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS, "--grace", "1") as served, served.connect() as sock:
        sock.sendall(b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsleep 60")
        time.sleep(0.3)
        started = time.monotonic()
        assert served.stop() == 0
        assert 0.9 < time.monotonic() - started < 5
        assert read_all(sock) == b""


def test_changed_source_takes_over_without_a_lost_request(python: Path, tmp_path: Path) -> None:
    script = "def init(): pass\ndef run(d): return 'old'\n"
    with serve_script(python, tmp_path, script, "--reload", "yes") as served:
        assert served.ask(body="").json == "old"
        served.script_path.write_text(script.replace("old", "the new"))
        wait_until(lambda: served.ask(body="").json == "the new", "the new code", served)
        served.script_path.write_text("raise RuntimeError('broken')\n")
        served.wait_for_log("the old goes on")
        assert served.ask(body="").json == "the new"
        served.script_path.write_text(script.replace("old", "mended"))
        wait_until(lambda: served.ask(body="").json == "mended", "the mended code", served)
        wait_until(lambda: len(served.worker_pids()) == 1, "one worker", served)


def test_a_streamed_answer_comes_piece_by_piece(python: Path, tmp_path: Path) -> None:
    script = """
        import time
        from azureml.contrib.services.aml_request import rawhttp
        from azureml.contrib.services.aml_response import AMLResponse

        def init():
            pass

        def pieces():
            for number in range(3):
                yield "piece %d\\n" % number
                time.sleep(0.3)

        @rawhttp
        def run(request):
            return AMLResponse(pieces(), 200)
    """
    with serve_script(python, tmp_path, script) as served, served.connect() as sock:
        sock.sendall(b"GET /score HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        first = sock.recv(65536)
        while b"piece" not in first:
            first += sock.recv(65536)
        assert b"piece 1" not in first
        rest = first + read_all(sock)
    assert b"Transfer-Encoding: chunked" in rest
    assert rest.endswith(b"8\r\npiece 2\n\r\n0\r\n\r\n")


STREAM = """
    from flask import Response
    from azureml.contrib.services.aml_request import rawhttp

    def init():
        pass

    def pieces():
        yield "one "
        yield "two"

    def broken():
        yield "one "
        raise ValueError("in the middle")

    @rawhttp
    def run(request):
        which = broken if request.args.get("broken") else pieces
        headers = {
            "name": {"X-A\\r\\nX-B": "1"},
            "value": {"X-A": "1\\r\\nX-C: 2"},
        }
        split = request.args.get("split")
        return Response(which(), mimetype="text/plain", headers=headers.get(split))
"""


def test_an_old_client_gets_a_stream_without_chunks(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STREAM) as served:
        answer = served.send_raw(b"GET /score HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"one two"
    assert b"chunked" not in head
    assert b"\r\nConnection: close" in head


@pytest.mark.parametrize("part", ["name", "value"])
def test_a_script_cannot_split_the_head_of_its_answer(
    python: Path, tmp_path: Path, part: str
) -> None:
    request = f"GET /score?split={part} HTTP/1.0\r\n\r\n".encode()
    with serve_script(python, tmp_path, STREAM) as served:
        head = served.send_raw(request).partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n")]
    assert names[0].startswith(b"HTTP/1.1 500 ")
    assert not {b"X-A", b"X-B", b"X-C"} & set(names)


def test_a_stream_that_breaks_off_is_not_told_as_whole(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STREAM) as served:
        answer = served.send_raw(b"GET /score?broken=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"one " in answer
        assert not answer.endswith(b"0\r\n\r\n")
        served.wait_for_log("ValueError: in the middle")
        assert served.ask("GET", "/").status == 200


def test_a_client_that_leaves_a_stream_does_not_hold_the_worker(
    python: Path, tmp_path: Path
) -> None:
    script = STREAM.replace('yield "two"', 'while True: yield "x" * 100000')
    with serve_script(python, tmp_path, script) as served:
        with served.connect() as sock:
            sock.sendall(b"GET /score HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"one " in sock.recv(65536) + sock.recv(65536)
        with pytest.raises(http.client.IncompleteRead):
            served.ask("GET", "/score?broken=1")


def test_a_script_that_closes_every_descriptor_is_replaced(python: Path, tmp_path: Path) -> None:
    script = """
        import os, time

        def init():
            pass

        def run(raw_data):
            if raw_data == "close":
                os.closerange(0, 1000)
                time.sleep(60)
            return raw_data
    """
    with serve_script(python, tmp_path, script) as served:
        assert served.ask(body="close").status == 500
        assert served.ask(body="next").json == "next"


def test_metrics_count_answers(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, STEPS) as served:
        for body in ("a", "b", "raise"):
            served.ask(body=body)
        text = served.ask("GET", "/metrics").body.decode()
    assert 'envsync_requests_total{route="/score",status="200"} 2' in text
    assert 'envsync_requests_total{route="/score",status="500"} 1' in text
    assert "envsync_run_seconds_count 2" in text
    assert "envsync_workers_idle 1" in text


def test_the_access_log_is_on_stdout_alone(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO) as served:
        served.ask("POST", "/score?a=1", body="xyz")
        served.ask("GET", "/")
        served.wait_for_log(r"^\S+Z POST /score\?a=1 200 \d+\.\d{3}ms 5$")
    assert "GET / " not in served.log


def test_nothing_of_a_request_controls_the_terminal_that_shows_the_log(
    python: Path, tmp_path: Path
) -> None:
    script = "def init(): pass\ndef run(raw_data): raise ValueError(raw_data)\n"
    hosts = ("--hosts", "loopback")
    with serve_script(python, tmp_path, script, *hosts) as served:
        for head in (
            b"GET /a\x9b31m\xa0 HTTP/1.1\r\nHost: localhost\r\n",
            b"GET / HTTP/1.1\r\nHost: \x9b31m\r\n",
            (
                b"POST /score HTTP/1.1\r\nHost: localhost\r\nx-request-id: \x9d0;t\r\n"
                b"Content-Length: 3\r\n"
            ),
        ):
            served.send_raw(head + b"Connection: close\r\n\r\n\x1b[2")

    assert "GET /a\\x9b31m\\xa0 404" in served.log
    assert "the host `\\x9b31m`" in served.log
    assert "request \\x9d0;t: run() failed: ValueError: \\x1b[2" in served.log
    assert not [c for c in served.log if not c.isprintable() and c not in "\n\t"]


def test_no_access_log_is_written_where_none_is_wanted(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, ECHO, "--access-log", "no") as served:
        served.ask(body="xyz")
    assert "POST" not in served.log


def test_a_gigabyte_of_prints_does_not_stop_the_server(python: Path, tmp_path: Path) -> None:
    script = """
        import sys

        def init():
            pass

        def run(raw_data):
            for _ in range(256):
                sys.stdout.write("x" * 65536 + "\\n")
            return "done"
    """
    with serve_script(python, tmp_path, script) as served:
        assert served.ask(body="").json == "done"


def test_two_hundred_clients_at_once_are_all_answered(python: Path, tmp_path: Path) -> None:
    answers: list[str] = []

    def client(number: int) -> None:
        answers.extend(served.ask(body=f"{number}.{turn}").json for turn in range(5))

    with serve_script(python, tmp_path, ECHO, "--workers", "2") as served:
        threads = [threading.Thread(target=client, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers) == sorted(f"{n}.{turn}" for n in range(200) for turn in range(5))


def test_large_bodies_go_both_ways(python: Path, tmp_path: Path) -> None:
    body = json.dumps(["0123456789"] * 400_000)
    with serve_script(python, tmp_path, ECHO) as served:
        assert served.ask(body=body).json == body
