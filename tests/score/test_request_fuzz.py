"""The request parser held against h11, which many servers and clients trust.

What ours takes for a request h11 has to read in the same way, to the byte where the next one
begins: else a proxy and the server could be made to see two different requests. The reverse need
not hold, as ours refuses more.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envsync.score.runtime.server.http.request_parser import (
    BodyReader,
    RequestError,
    known_heads,
    parse_head,
)

LIMIT = 100_000


class Read(NamedTuple):
    """One request as a parser sees it, and what is left for the next."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: bytes


def read_ours(stream: bytes) -> Read | None:
    known_heads.clear()
    buffer = bytearray(stream)
    try:
        parsed = parse_head(buffer)
        if parsed is None:
            return None
        head, length = parsed
        del buffer[:length]
        body = BodyReader(head, LIMIT).feed(buffer)
    except RequestError:
        return None
    if body is None:
        return None
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in head.pairs]
    target = head.target.encode("latin-1")
    return Read(head.method.encode(), target, headers, body, bytes(buffer))


def read_theirs(stream: bytes) -> Read | str:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=200_000)
    body = b""
    try:
        connection.receive_data(stream)
        request = connection.next_event()
        if not isinstance(request, h11.Request):
            return f"no request: {request!r}"
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                return f"no body: {event!r}"
            body += bytes(event.data)
    except h11.RemoteProtocolError as error:
        return str(error)
    rest, _ = connection.trailing_data
    headers = [(bytes(name), bytes(value)) for name, value in request.headers]
    return Read(bytes(request.method), bytes(request.target), headers, body, bytes(rest))


def check(stream: bytes) -> None:
    ours = read_ours(stream)
    if ours is None or not re.fullmatch(rb"[\x21-\x7e]+", ours.target):
        return  # refused or unfinished; or a path in raw UTF-8, as curl sends it
    assert read_theirs(stream) == ours


LINE_ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\n ", b"\r\n\t", b"\n\r\n"])
NAMES = st.sampled_from(
    [
        *(b"Content-Length", b"content-length", b"Transfer-Encoding", b"Content-Length "),
        *(b"Transfer-Encoding\t", b"Host", b"Expect", b"Connection", b"X", b"X\x00", b"", b" X"),
        *(b"Content_Length", b"Trailer", b"Content-Length\xa0", b"Upgrade"),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                b"0",
                b"3",
                b"5",
                b"+5",
                b"-1",
                b"5, 5",
                b"5,6",
                b"0x5",
                b"5 ",
                b"\t5",
                b"05",
                b"5\x0b",
            ),
            *(
                b"chunked",
                b"Chunked",
                b"xchunked",
                b"chunked, chunked",
                b"identity",
                b"gzip, chunked",
            ),
            *(
                b"chunked ",
                b"\x0bchunked",
                b'"chunked"',
                b"chunked;q=1",
                b"a",
                b"",
                b"close",
                b"\xff",
            ),
        ]
    ),
    st.binary(max_size=6),
)
FIELDS = st.tuples(
    NAMES, st.sampled_from([b":", b": ", b" :", b":\t", b"", b"::"]), VALUES, LINE_ENDS
)
REQUEST_LINES = st.sampled_from(
    [
        *(b"POST /score HTTP/1.1", b"GET / HTTP/1.1", b"POST /score HTTP/1.0"),
        *(b"POST  /score HTTP/1.1", b"POST /score HTTP/1.1 ", b"POST /s\x00 HTTP/1.1", b"GET /"),
        *(b"POST http://a/score HTTP/1.1", b"OPTIONS * HTTP/1.1", b"P\tOST / HTTP/1.1"),
    ]
)
BODIES = st.one_of(
    st.binary(max_size=12),
    st.lists(
        st.sampled_from(
            [
                *(
                    b"5\r\nhello\r\n",
                    b"0\r\n\r\n",
                    b"0\r\n",
                    b"3;a=b\r\nabc\r\n",
                    b"A\r\n0123456789\r\n",
                ),
                *(
                    b"3 \r\nabc\r\n",
                    b"0x3\r\nabc\r\n",
                    b"3\nabc\n",
                    b"-3\r\nabc\r\n",
                    b"3\r\nabcd\r\n",
                ),
                *(b"X: y\r\n\r\n", b"X y\r\n\r\n", b"\r\n", b"fffffffff\r\n", b"00003\r\nabc\r\n"),
                *(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", b"3;\x00\r\nabc\r\n", b"3;a\rb\r\nabc\r\n"),
            ]
        ),
        max_size=5,
    ).map(b"".join),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Draw what is almost a request, with the places where parsers differ in it."""
    fields = draw(st.lists(FIELDS, max_size=4))
    lines = [b"".join(field) for field in fields]
    lines.insert(draw(st.integers(0, len(lines))), b"Host: a\r\n")
    first = draw(REQUEST_LINES) + draw(LINE_ENDS)
    return first + b"".join(lines) + draw(LINE_ENDS) + draw(BODIES)


@pytest.mark.slow
@settings(max_examples=1500)
@given(streams())
@example(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")
@example(b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n")
def test_what_is_taken_for_a_request_reads_the_same_to_h11(stream: bytes) -> None:
    check(stream)


VALID = (
    b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n",
    (
        b"POST /score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;x=y\r\nhello\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\nGET / HTTP/1.1\r\n"
    ),
)


@pytest.mark.slow
@settings(max_examples=1500)
@given(
    stream=st.sampled_from(VALID),
    at=st.integers(0, 200),
    cut=st.integers(0, 3),
    put=st.one_of(
        st.binary(max_size=2), st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"\t", b":"])
    ),
)
def test_a_request_with_a_few_bytes_changed_reads_the_same_to_h11(
    stream: bytes, at: int, cut: int, put: bytes
) -> None:
    at %= len(stream)
    check(stream[:at] + put + stream[at + cut :])


def test_both_read_what_is_right() -> None:
    for stream in VALID:
        assert read_ours(stream) == read_theirs(stream)
        assert read_ours(stream) is not None
