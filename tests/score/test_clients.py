"""The server with the clients and proxies that people have."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
from support.served import ServedScript, serve_script, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SCRIPT = """
    import json

    def init():
        pass

    def run(raw_data):
        data = json.loads(raw_data)["data"]
        if data == "raise":
            raise ValueError("on purpose")
        return {"length": len(data)}
"""


@pytest.fixture
def served(python: Path, tmp_path: Path) -> Iterator[ServedScript]:
    with serve_script(python, tmp_path, SCRIPT, "--workers", "2") as server:
        yield server


@pytest.fixture
def uri(served: ServedScript) -> str:
    return f"http://localhost:{served.port}/score"


def curl(*arguments: str, stdin: str = "") -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("-d", '{"data": [1, 2]}'),
        ("-d", "@-"),
        ("--data-binary", "@-", "-H", "Content-Type: application/json"),
        ("-T", "-", "-X", "POST"),
        ("-d", "@-", "--http1.0"),
        ("-d", "@-", "--http2"),
        ("-d", "@-", "-H", "Expect: 100-continue"),
        ("-d", "@-", "--compressed"),
        ("--json", "@-"),
    ],
    ids=" ".join,
)
def test_curl_posts_in_all_its_ways(uri: str, options: tuple[str, ...]) -> None:
    assert json.loads(curl(*options, uri, stdin='{"data": [1, 2]}')) == {"length": 2}


def test_curl_asks_for_health_and_heads(uri: str) -> None:
    root = uri.removesuffix("/score")

    assert curl(root + "/") == "Healthy"
    assert curl("-I", root + "/").startswith("HTTP/1.1 200 OK")
    assert "405" in curl("-I", uri)


def test_http2_without_upgrade_is_refused_in_words_of_http1(served: ServedScript) -> None:
    answer = served.send_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_azure_ml_s_sample_for_requests_works(uri: str) -> None:
    sample_input = json.dumps({"data": [[0.5] * 784]})
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}

    response = requests.post(uri, sample_input, headers=headers, timeout=20)

    assert response.status_code == 200
    assert response.json() == {"length": 1}


def test_a_session_of_requests_keeps_its_connection(uri: str, served: ServedScript) -> None:
    with requests.Session() as session:
        for length in range(50):
            reply = session.post(uri, json={"data": "x" * length}, timeout=20)
            assert reply.json() == {"length": length}
        metrics = session.get(uri.replace("/score", "/metrics"), timeout=20).text
        pieces = (piece for piece in (b'{"data": ', b"[1, 2, 3]", b"}"))
        assert session.post(uri, data=pieces, timeout=20).json() == {"length": 3}
        assert session.post(uri, json={"data": "raise"}, timeout=20).status_code == 500
        assert session.post(uri, json={"data": ""}, timeout=20).status_code == 200

    assert "envsync_connections 1\n" in metrics
    check_answers(served, "POST /score 200", 52)


def test_httpx_asks_side_by_side(uri: str) -> None:
    async def ask_all() -> list[Any]:
        async with httpx.AsyncClient(timeout=20) as client:
            asked = [client.post(uri, json={"data": "x" * at}) for at in range(100)]
            return [reply.json()["length"] for reply in await asyncio.gather(*asked)]

    assert asyncio.run(ask_all()) == list(range(100))


NGINX = """
    daemon off;
    user root;
    pid {folder}/nginx.pid;
    error_log stderr;
    events {{}}
    http {{
        access_log off;
        client_body_temp_path {folder}/body;
        proxy_temp_path {folder}/proxy;
        fastcgi_temp_path {folder}/fastcgi;
        uwsgi_temp_path {folder}/uwsgi;
        scgi_temp_path {folder}/scgi;
        client_max_body_size 0;
        upstream service {{ server 127.0.0.1:{port}; keepalive 8; }}
        server {{
            listen 127.0.0.1:{listen};
            location / {{ proxy_pass http://service; }}
            location /kept/ {{
                proxy_pass http://service/;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_request_buffering off;
            }}
        }}
    }}
"""
HAPROXY = """
    defaults
        mode http
        timeout connect 5s
        timeout client 20s
        timeout server 20s
    frontend in
        bind 127.0.0.1:{listen}
        http-request replace-path /kept(/.*) \\1
        default_backend service
    backend service
        http-reuse always
        server one 127.0.0.1:{port}
"""
PROXIES: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "nginx": (NGINX, lambda path: ["nginx", "-p", str(path.parent), "-c", str(path)]),
    "haproxy": (HAPROXY, lambda path: ["haproxy", "-f", str(path)]),
}


@contextlib.contextmanager
def proxy_before(served: ServedScript, name: str, folder: Path) -> Iterator[str]:
    """Run the proxy *name* before *served*; give its address."""
    if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip(f"needs {name}")
    template, command = PROXIES[name]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = free.getsockname()[1]
    path = folder / f"{name}.conf"
    text = template.format(folder=folder, port=served.port, listen=listen)
    path.write_text(textwrap.dedent(text))
    environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command(path), env=environ, stdout=log, stderr=log)

    def is_open() -> bool:
        assert process.poll() is None, (folder / "proxy.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", listen)):
            return True
        return False

    try:
        wait_until(is_open, name)
        yield f"http://127.0.0.1:{listen}"
    finally:
        process.terminate()
        process.wait(20)


def check_answers(served: ServedScript, line: str, count: int) -> None:
    """Hold the access log, which is written with a delay, against what was asked."""
    wait_until(lambda: served.log.count(line) >= count, f"{count} times {line}")
    assert served.log.count(line) == count


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_in_front_changes_no_answer(
    served: ServedScript, tmp_path: Path, name: str
) -> None:
    wrong: list[object] = []

    def ask(root: str, number: int) -> None:
        with requests.Session() as session:
            for at in range(20):
                length = at * 7000 + number
                reply = session.post(f"{root}/score", json={"data": "x" * length}, timeout=20)
                if reply.status_code != 200 or reply.json() != {"length": length}:
                    wrong.append((length, reply.status_code, reply.text[:200]))
            pieces = iter([b'{"data": "', *[b"y" * 5000] * 30, b'"}'])
            chunked = session.post(f"{root}/score", data=pieces, timeout=20)
            failed = session.post(f"{root}/score", json={"data": "raise"}, timeout=20)
            if chunked.json() != {"length": 150_000} or failed.status_code != 500:
                wrong.append((chunked.text, failed.status_code))

    with proxy_before(served, name, tmp_path) as address:
        for root in (address, f"{address}/kept"):
            asking = [threading.Thread(target=ask, args=(root, number)) for number in range(6)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join(60)

    assert wrong == []
    check_answers(served, "POST /score 200", 2 * 6 * 21)
    check_answers(served, "POST /score 500", 2 * 6)
