"""Whose requests the server answers: by their Host, and by what browsers say of their pages."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from support.served import ServedScript, serve_script

from envsync.score.runtime.server.http.request_parser import parse_head
from envsync.score.runtime.server.visitors import Visitors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """
    import os
    def init(): pass
    def run(raw_data):
        open(os.path.join(os.path.dirname(__file__), "was-run"), "a").write(raw_data + " ")
        return raw_data
"""


def status_of(
    lines: str, *, hosts: tuple[str, ...] = ("loopback",), origins: tuple[str, ...] = ()
) -> int:
    """Return with which status the request of *lines* is refused, 0 if it is not."""
    parsed = parse_head(lines.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n")
    assert parsed is not None
    head = parsed[0]
    refusal = Visitors(hosts, origins).refusal(head, head.path == "/score")
    return 0 if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "LocalHost:6789", "localhost.", "localhost.:6789"),
        *("localhost:", "foo.localhost", "foo.localhost:1", "a.b.localhost."),
        *("127.0.0.1", "127.0.0.1:6789", "127.1.2.3", "127.1", "127.0.0.1."),
        *("[::1]", "[::1]:6789", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::FFFF:127.0.0.1]", ""),
    ],
)
def test_this_machine_s_own_names_are_answered(host: str) -> None:
    assert status_of(f"POST /score HTTP/1.1\nHost: {host}") == 0


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:6789", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("notlocalhost", "localhost..", ".localhost.evil", "xlocalhost", "evil.example:localhost"),
        *("localhost@evil.example", "evil.example@localhost", "localhost:6789@evil.example"),
        *("127.evil", "1270.0.0.1", "128.0.0.1", "0.0.0.1", "192.168.1.5:6789", "10.0.0.1"),
        *("[::2]", "[::11]", "[::1", "::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[1]", "1"),
        *("loopback", "*", "local host", "localhost:80:80", "127.0.0.1 evil", "[localhost]x"),
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert status_of(f"POST /score HTTP/1.1\nHost: {host}") == 421
    assert status_of(f"GET / HTTP/1.1\nHost: {host}") == 421


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost:6789/score", 0),
        ("HTTP://127.0.0.1/score", 0),
        ("http://evil.example/score", 421),
        ("http://evil.example?/score", 421),
        ("http://evil.example#/score", 421),
        ("http://localhost@evil.example/", 421),
        ("https://evil.example/", 421),
        ("//evil.example/score", 0),  # a path, here as anywhere
        ("/score?next=http://evil.example/", 0),
        ("*", 0),
    ],
)
def test_a_host_in_the_target_counts_as_well(target: str, status: int) -> None:
    assert status_of(f"POST {target} HTTP/1.1\nHost: localhost") == status


def test_a_request_that_names_no_host_is_none_of_a_browser_s() -> None:
    assert status_of("GET / HTTP/1.0") == 0


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (("loopback", "ml.example.com"), "ML.example.com:8443", 0),
        (("loopback", "ml.example.com"), "ml.example.com.", 0),
        (("loopback", "ml.example.com"), "a.ml.example.com", 421),
        (("loopback", "*.example.com"), "a.b.example.com", 0),
        (("loopback", "*.example.com"), "example.com", 421),
        (("loopback", "*.example.com"), "evilexample.com", 421),
        (("loopback", "192.168.1.5"), "192.168.1.5:80", 0),
        (("loopback", "2001:db8::1"), "[2001:db8::1]:80", 0),
        (("loopback", "ml.example.com"), "localhost", 0),
        (("ml.example.com",), "localhost", 421),
    ],
)
def test_hosts_that_were_allowed_are_answered(
    hosts: tuple[str, ...], host: str, status: int
) -> None:
    assert status_of(f"POST /score HTTP/1.1\nHost: {host}", hosts=hosts) == status


@pytest.mark.parametrize(
    ("line", "more", "status"),
    [
        ("POST /score", "", 403),
        ("POST /score", "Sec-Fetch-Mode: navigate", 403),  # a form
        ("GET /score?a=1", "Sec-Fetch-Mode: navigate", 403),  # it would run the script
        ("OPTIONS /score", "Origin: http://a.example", 403),
        ("GET /", "Sec-Fetch-Mode: no-cors", 403),
        ("GET /", "Sec-Fetch-Mode: navigate", 0),  # somebody follows a link
        ("GET /swagger.json", "Sec-Fetch-Mode: navigate", 0),
        ("HEAD /", "Sec-Fetch-Mode: navigate", 0),
        ("POST /", "Sec-Fetch-Mode: navigate", 403),
    ],
)
def test_what_pages_of_other_sites_send_is_refused(line: str, more: str, status: int) -> None:
    text = f"{line} HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site"
    assert status_of("\n".join(filter(None, (text, more)))) == status


@pytest.mark.parametrize("site", ["none", "same-origin", "same-site"])
def test_what_no_page_of_another_site_sends_is_answered(site: str) -> None:
    assert status_of(f"POST /score HTTP/1.1\nHost: localhost\nSec-Fetch-Site: {site}") == 0


@pytest.mark.parametrize("site", ["Cross-Site", "none\nSec-Fetch-Site: cross-site"])
def test_a_page_is_seen_however_that_is_written(site: str) -> None:
    assert status_of(f"POST /score HTTP/1.1\nHost: localhost\nSec-Fetch-Site: {site}") == 403


@pytest.mark.parametrize(
    ("hosts", "origins", "origin", "status"),
    [
        ((), ("http://app.example",), "http://app.example", 0),
        ((), ("http://app.example",), "HTTP://APP.example", 0),
        ((), ("http://app.example",), "http://evil.example", 403),
        ((), ("http://app.example",), "", 403),
        ((), ("*",), "http://evil.example", 0),
        ((), ("*",), "", 0),
        ((), (), "null", 403),
        (("app.example",), (), "https://app.example:8443", 0),
        (("app.example",), (), "https://evil.example", 403),
        (("*.app.example",), (), "https://a.app.example", 0),
        ((), (), "http://localhost:3000", 403),  # another program of this machine may serve that
    ],
)
def test_pages_that_were_allowed_are_answered(
    hosts: tuple[str, ...], origins: tuple[str, ...], origin: str, status: int
) -> None:
    lines = "POST /score HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site"
    lines += f"\nOrigin: {origin}" if origin else ""
    assert status_of(lines, hosts=("loopback", *hosts), origins=origins) == status


WEB_SOCKET = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZQ=="


@pytest.mark.parametrize(
    "lines",
    [
        *(WEB_SOCKET, f"{WEB_SOCKET}\nOrigin: http://localhost:6789", "Upgrade: h2c, WebSocket"),
        f"{WEB_SOCKET}\nSec-Fetch-Site: same-origin",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==",
    ],
)
def test_a_web_socket_never_runs_the_script(lines: str) -> None:
    assert status_of(f"GET /score HTTP/1.1\nHost: localhost\n{lines}") == 403


def test_offers_of_other_protocols_are_ignored() -> None:
    """As Java's client makes them, and proxies that pass on no WebSocket."""
    lines = "POST /score HTTP/1.1\nHost: localhost\nConnection: Upgrade, HTTP2-Settings"
    assert status_of(f"{lines}\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk") == 0
    assert status_of("POST /score HTTP/1.1\nHost: localhost\nConnection: upgrade") == 0


@pytest.mark.parametrize(
    "lines",
    [
        "Sec-Purpose: prefetch",
        "Sec-Purpose: prefetch;prerender\nSec-Fetch-Site: none",
        "Sec-Purpose: prefetch\nSec-Fetch-Site: same-origin",
        "Purpose: prefetch",
        "X-Moz: prefetch",
        "X-Purpose: preview",
    ],
)
def test_what_a_browser_fetches_ahead_runs_nothing(lines: str) -> None:
    head = f"HTTP/1.1\nHost: localhost\n{lines}"
    assert status_of(f"GET /score?n=1 {head}") == 403
    assert status_of(f"GET / {head}") == 0
    assert status_of(f"GET /swagger.json {head}") == 0
    assert status_of(f"GET /score?n=1 {head}", origins=("*",)) == 0


@pytest.mark.parametrize("site", ["same-origin", "same-site"])
def test_links_of_this_machine_s_own_pages_are_answered(site: str) -> None:
    lines = f"GET /score HTTP/1.1\nHost: localhost\nSec-Fetch-Site: {site}"
    assert status_of(f"{lines}\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document") == 0


@pytest.fixture
def guarded(python: Path, tmp_path: Path) -> Iterator[ServedScript]:
    with ExitStack() as stack:
        yield stack.enter_context(serve_script(python, tmp_path, SCRIPT, "--hosts", "loopback"))


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Host": "evil.example"}, 421, "does not answer for the host"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "does not answer pages of other sites"),
        ({"Upgrade": "websocket"}, 403, "has no WebSockets"),
        ({"Sec-Purpose": "prefetch"}, 403, "what a browser fetches ahead"),
    ],
)
def test_a_refused_request_never_reaches_the_script(
    guarded: ServedScript, tmp_path: Path, headers: dict[str, str], status: int, words: str
) -> None:
    for _ in range(2):  # the second time the head is known
        reply = guarded.ask(body="stolen", headers=headers)
        assert reply.status == status
        assert words in reply.json["message"]
        assert reply.headers["x-ms-run-function-failed"] == "False"
    assert guarded.ask(body="mine").json == "mine"
    assert (tmp_path / "was-run").read_text() == "mine "
    assert guarded.log.count("WARNING envsync: Refused a request") == 1
    assert guarded.ask("GET", "/").body == b"Healthy"
    assert guarded.send_raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_connection_goes_on_after_a_refusal(guarded: ServedScript) -> None:
    first = b"POST /score HTTP/1.1\r\nHost: evil\r\nContent-Length: 1\r\n\r\n1"
    answers = guarded.send_raw(first + first.replace(b"evil", b"localhost"))

    assert answers.count(b"HTTP/1.1 421 Misdirected Request\r\n") == 1
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 1
