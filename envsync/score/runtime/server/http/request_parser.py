"""HTTP/1.1 requests out of a stream of bytes.

Strictly: what two readers might read in two ways is refused (RFC 9112, sections 2 to 7, 11.2).
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ID_FIELDS = frozenset(("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "traceid"))
LONGEST_LINE = 4094
LONGEST_HEAD = 65536
MOST_FIELDS = 200
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_CONTINUE = "100-continue"
_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.([0-9])")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\r\n)*")
_FIELD = re.compile(_TOKEN + rb":[\t\x20-\x7e\x80-\xff]*\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[\t\x20-\x7e\x80-\xff]*|[\t ]*)")
_LENGTH = re.compile(r"[0-9]{1,19}\Z")
_LONGEST_CHUNK_LINE = 256
_SMALL_PART = 4096  # an object of its own costs little beside this
_CRLF = b"\r\n"


class RequestError(Exception):
    """The request can't be read any further; *status* says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head:
    """The request line and the header fields."""

    __slots__ = (
        "chunked",
        "fields",
        "has_ids",
        "is_old",
        "keep_alive",
        "length",
        "method",
        "pairs",
        "path",
        "target",
    )

    def __init__(
        self, method: str, target: str, minor: bytes, pairs: "list[tuple[str, str]]"
    ) -> None:
        self.method = method
        self.target = target = target.partition("#")[0]
        self.pairs = pairs
        self.path = _path_of(target)
        fields = {}  # type: dict[str, str]
        for name, value in pairs:
            lower = name.lower()
            fields[lower] = fields[lower] + "," + value if lower in fields else value
        self.fields = fields
        self.is_old = minor == b"0"
        self.chunked = False
        self.length = 0
        self.has_ids = not ID_FIELDS.isdisjoint(fields)
        connection = fields.get("connection", "").lower()
        self.keep_alive = "keep-alive" in connection if self.is_old else "close" not in connection
        if not self.is_old and "host" not in fields:
            raise RequestError(400, "The request has no Host header.")
        if "," in fields.get("host", ""):
            raise RequestError(400, "The request has more than one Host.")
        if fields.get("expect", _CONTINUE).lower() != _CONTINUE and not self.is_old:
            raise RequestError(417, "The only Expect is 100-continue.")
        self._read_framing()

    def _read_framing(self) -> None:
        coding = self.fields.get("transfer-encoding")
        length = self.fields.get("content-length")
        if coding is not None:
            if length is not None:
                raise RequestError(400, "Content-Length and Transfer-Encoding exclude each other.")
            if coding.lower() != "chunked" or self.is_old:
                raise RequestError(501, "The only Transfer-Encoding is chunked.")
            self.chunked = True
        elif length is not None:
            if not _LENGTH.match(length):
                raise RequestError(400, "Content-Length is not a number.")
            self.length = int(length)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for a word before it sends the body."""
        return self.fields.get("expect", "").lower() == _CONTINUE


def parse_head(data: "Any") -> "tuple[Head, int] | None":
    """Return the head at the start of *data* and its length, None while it is not whole.

    Raises:
        RequestError: it is none, or too long.
    """
    end = data.find(b"\r\n\r\n")
    line_end = data.find(b"\r\n", 0, LONGEST_LINE + 2)
    if line_end < 0 and len(data) > LONGEST_LINE:
        raise RequestError(414, "The request line is longer than {} bytes.".format(LONGEST_LINE))
    if (end if end >= 0 else len(data)) > LONGEST_HEAD:
        raise RequestError(431, "The headers are longer than {} bytes.".format(LONGEST_HEAD))
    if end < 0:
        _check_line_end(data)
        return None
    return _parse_whole_head(data, line_end, end), end + 4


def _check_line_end(data: "Any") -> None:
    """Refuse a first line that ends without CR, which no more bytes could mend."""
    at = data.find(b"\n", 0, LONGEST_LINE + 2)
    if at >= 0 and data[max(at - 1, 0) : at] != b"\r":
        raise RequestError(400, "A line does not end with CR and LF.")


def _path_of(target: str) -> str:
    """Return the path in *target*, which clients of a proxy write with a host (RFC 9112, 3.2.2)."""
    path = target.partition("?")[0]
    if path[:7].lower() == "http://":
        path = "/" + path[7:].partition("/")[2]
    if path[:2] == "//":  # as clients do that join a `/` to an address with one
        path = "/" + path.lstrip("/")
    if "%" in path:
        from urllib.parse import unquote  # noqa: PLC0415  # hardly any client writes it so

        return unquote(path)
    return path


def _parse_whole_head(data: "Any", line_end: int, end: int) -> Head:
    line = _LINE.match(data, 0, line_end)
    if line is None or line.end() != line_end:
        raise RequestError(400, "The request line is not HTTP/1.1.")
    pairs = []  # type: list[tuple[str, str]]
    if end > line_end:
        fields = _FIELDS.match(data, line_end + 2, end + 2)
        if fields is None or fields.end() != end + 2:
            raise RequestError(400, "A header line is not a name, a colon and a value.")
        pairs = _pairs(bytes(data[line_end + 2 : end]))
    method, target, minor = line.groups()
    return Head(bytes(method).decode("ascii"), bytes(target).decode("latin-1"), bytes(minor), pairs)


def _pairs(block: bytes) -> "list[tuple[str, str]]":
    lines = block.decode("latin-1").split("\r\n")
    if len(lines) > MOST_FIELDS:
        raise RequestError(431, "There are more than {} headers.".format(MOST_FIELDS))
    pairs = []
    for line in lines:
        name, _, value = line.partition(":")
        pairs.append((name, value.strip(" \t")))
    return pairs


class BodyReader:
    """Takes the body of a request out of a buffer, up to *limit* bytes; *size* are there."""

    def __init__(self, head: Head, limit: int) -> None:
        self._chunked = head.chunked
        self._left = head.length
        self._limit = limit
        self._parts = []  # type: list[bytes | bytearray]
        self.size = 0
        self._state = "size"
        self._trailers = 0
        if head.length > limit:
            raise too_large(limit)

    def feed_part(self, part: bytes) -> "bytes | None":
        """Take *part*, which just came; return the body if that is its end, None if not.

        Raises:
            ValueError: there is more in it than the body; `feed` knows what to do.
        """
        if self._chunked or len(part) > self._left:
            raise ValueError
        self._add(part)
        return None if self._left else b"".join(self._parts)

    def feed(self, data: bytearray) -> "bytes | None":
        """Take what is of the body from the front of *data*; return the body once it is whole."""
        if not self._chunked:
            self._take(data)
            return None if self._left else b"".join(self._parts)
        while self._state != "end":
            step = self._feed_chunk if self._state == "data" else self._feed_line
            if not step(data):
                return None
        return b"".join(self._parts)

    def _feed_chunk(self, data: bytearray) -> bool:
        self._take(data)
        if self._left or len(data) < len(_CRLF):
            return False
        if not data.startswith(_CRLF):
            raise RequestError(400, "A chunk is longer than it says.")
        del data[: len(_CRLF)]
        self._state = "size"
        return True

    def _feed_line(self, data: bytearray) -> bool:
        line = _take_line(data)
        if line is None:
            return False
        if self._state == "size":
            self._start_chunk(line)
        elif not line:
            self._state = "end"
        else:
            if not _FIELD.match(line):
                raise RequestError(400, "A trailer is not a name, a colon and a value.")
            self._trailers += 1
            if self._trailers > MOST_FIELDS:
                raise RequestError(431, "There are more than {} trailers.".format(MOST_FIELDS))
        return True

    def _start_chunk(self, line: bytes) -> None:
        size = _CHUNK_SIZE.match(line)
        if size is None or size.end() != len(line):
            raise RequestError(400, "A chunk has no size.")
        self._left = int(size.group(1), 16)
        if self.size + self._left > self._limit:
            raise too_large(self._limit)
        self._state = "data" if self._left else "trailer"

    def _take(self, data: bytearray) -> None:
        with memoryview(data) as view:
            part = bytes(view[: self._left])
        del data[: len(part)]
        self._add(part)

    def _add(self, part: bytes) -> None:
        if not part:
            return
        self._left -= len(part)
        self.size += len(part)
        if len(part) >= _SMALL_PART:
            self._parts.append(part)
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += part
        else:
            self._parts.append(bytearray(part))


def too_large(limit: int) -> RequestError:
    """Return the error for a body of more than *limit* bytes."""
    return RequestError(413, "The body is larger than {} bytes.".format(limit))


def _take_line(data: bytearray) -> "bytes | None":
    end = data.find(b"\r\n", 0, _LONGEST_CHUNK_LINE)
    if end < 0:
        if len(data) >= _LONGEST_CHUNK_LINE:
            raise RequestError(400, "A chunk's line is too long.")
        return None
    line = bytes(data[:end])
    del data[: end + 2]
    return line
