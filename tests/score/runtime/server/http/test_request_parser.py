from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envsync.score.runtime.server.http.request_parser import (
    BodyReader,
    RequestError,
    parse_head,
)

if TYPE_CHECKING:
    from envsync.score.runtime.server.http.request_parser import Head

LIMIT = 1000
TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=10)
VALUES = st.text("abc XYZ019;,=\x09é", max_size=20)


def head_of(text: str) -> Head:
    parsed = parse_head(text.encode("latin-1"))
    assert parsed is not None
    return parsed[0]


def read(stream: bytes, pieces: list[int]) -> tuple[str, object]:
    """Read one request from *stream*, cut after *pieces*; return what came of it."""
    buffer = bytearray()
    head: Head | None = None
    reader: BodyReader | None = None
    at = 0
    for length in [*pieces, len(stream)]:
        buffer += stream[at : at + length]
        at += length
        try:
            if head is None:
                parsed = parse_head(buffer)
                if parsed is None:
                    continue
                head, size = parsed
                del buffer[:size]
                reader = BodyReader(head, LIMIT)
            assert reader is not None
            body = reader.feed(buffer)
        except RequestError as error:
            return "refused", error.status
        if body is not None:
            return "whole", (head.method, head.target, head.pairs, body)
    return "unfinished", None


@given(
    method=TOKENS,
    headers=st.lists(st.tuples(TOKENS, VALUES), max_size=5),
    body=st.binary(max_size=200),
    pieces=st.lists(st.integers(0, 50), max_size=20),
)
def test_a_request_is_the_same_however_it_is_cut(
    method: str, headers: list[tuple[str, str]], body: bytes, pieces: list[int]
) -> None:
    lines = [f"X-{name}: {value}" for name, value in headers]
    lines = [f"{method} /score HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *lines]
    stream = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
    pairs = [("Host", "a"), ("Content-Length", str(len(body)))]
    pairs += [(f"X-{name}", value.strip(" \t")) for name, value in headers]
    assert read(stream, pieces) == ("whole", (method, "/score", pairs, body))


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=60), max_size=10),
    pieces=st.lists(st.integers(0, 30), max_size=30),
)
def test_chunks_are_put_together_however_they_are_cut(
    chunks: list[bytes], pieces: list[int]
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = head + b"".join(b"%X\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
    outcome, found = read(stream, pieces)
    assert outcome == "whole"
    assert isinstance(found, tuple)
    assert found[3] == b"".join(chunks)


@given(stream=st.binary(max_size=400), pieces=st.lists(st.integers(0, 100), max_size=8))
@example(stream=b"\r\n\r\n", pieces=[])
@example(stream=b"GET / HTTP/1.1\r\n\r\n", pieces=[3])
@example(stream=b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", pieces=[])
def test_any_bytes_are_a_request_or_refused_or_unfinished(stream: bytes, pieces: list[int]) -> None:
    assert read(stream, pieces)[0] in {"whole", "refused", "unfinished"}


@given(cut=st.integers(0, 100), byte=st.integers(0, 255))
def test_one_changed_byte_does_no_harm(cut: int, byte: int) -> None:
    stream = bytearray(b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
    stream[cut % len(stream)] = byte
    assert read(bytes(stream), [])[0] in {"whole", "refused", "unfinished"}


@pytest.mark.parametrize(
    ("lines", "keep_alive"),
    [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        ("GET / HTTP/1.9\r\nHost: a\r\n\r\n", True),  # RFC 9110, section 2.5
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", False),
        ("GET / HTTP/1.0\r\n\r\n", False),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
    ],
)
def test_connections_are_kept_as_the_client_wishes(lines: str, *, keep_alive: bool) -> None:
    assert head_of(lines).keep_alive is keep_alive


def test_fields_of_one_name_are_joined() -> None:
    head = head_of("GET /a?b=c HTTP/1.1\r\nHost: a\r\nA: 1\r\na:2\r\n\r\n")
    assert head.fields["a"] == "1,2"
    assert (head.path, head.target) == ("/a", "/a?b=c")


def test_a_body_over_the_limit_is_refused_before_it_comes() -> None:
    head = head_of(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LIMIT + 1}\r\n\r\n")
    with pytest.raises(RequestError) as caught:
        BodyReader(head, LIMIT)
    assert (caught.value.status, str(caught.value)) == (
        413,
        "The body is larger than 1000 bytes.",
    )


def test_chunks_over_the_limit_are_refused_before_they_come() -> None:
    head = head_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(RequestError) as caught:
        BodyReader(head, LIMIT).feed(bytearray(b"FFFFFFF\r\n"))
    assert caught.value.status == 413
