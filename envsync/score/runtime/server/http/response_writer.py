"""HTTP/1.1 responses as bytes, with the headers that Azure ML's server gives its own."""

import binascii
import json
import os
import re
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

    Pairs = list[tuple[str, str]]

LONGEST_ID = 100
PHRASES = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    418: "I'm a teapot",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
JSON = ("Content-Type", "application/json")
NOT_FAILED = ("x-ms-run-function-failed", "False")
TEXT = ("Content-Type", "text/html; charset=utf-8")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_OURS = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})
_IDS_AT_ONCE = 64
_random_digits: "list[str]" = []
_BODILESS = frozenset({204, 304})
_HEAD = "HEAD"


class Reply:
    """One response before it is bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: "Pairs | None" = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers if headers is not None else []


class Clock:
    """The text of a Date header, made once a second."""

    _DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    _MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def date(self) -> str:
        """Return the time as HTTP has it (RFC 9110, section 5.6.7)."""
        second = int(time.time())
        if second != self._second:
            now = time.gmtime(second)
            self._second = second
            self._text = "{}, {:02d} {} {} {:02d}:{:02d}:{:02d} GMT".format(
                self._DAYS[now.tm_wday],
                now.tm_mday,
                self._MONTHS[now.tm_mon - 1],
                *(now.tm_year, now.tm_hour, now.tm_min, now.tm_sec),
            )
        return self._text


def error_reply(status: int, message: str, *, failed: bool = False) -> Reply:
    """Return an error as Azure ML's server words it: `{"message": ...}`."""
    headers = [
        JSON,
        ("x-ms-run-function-failed", "True" if failed else "False"),
    ]
    return Reply(status, json.dumps({"message": message}).encode("ascii"), headers)


def head_bytes(
    status: int,
    headers: "Pairs",
    length: "int | None",
    *,
    keep_alive: bool,
    date: str,
    is_chunked: bool = False,
) -> bytes:
    """Return the head of a response.

    With *length* None its body comes in chunks, or goes on until the connection ends.
    """
    lines = ["HTTP/1.1 {} {}".format(status, PHRASES.get(status, "Status"))]
    lines.extend(
        "{}: {}".format(name, _one_line(value))
        for name, value in headers
        if name.lower() not in _OURS and _NAME.match(name)
    )
    if status in _BODILESS:
        pass  # a length or a coding would announce a body (RFC 9110, section 6.4.1)
    elif is_chunked:
        lines.append("Transfer-Encoding: chunked")
    elif length is not None:
        lines.append("Content-Length: {}".format(length))
    lines.append("Date: " + date)
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace")


def has_body(method: str, status: int) -> bool:
    """Say whether a response of *status* to *method* has a body (RFC 9112, section 6.3)."""
    return method != _HEAD and status not in _BODILESS


def chunk(piece: bytes) -> bytes:
    """Return *piece* as a chunk of a body; an empty one is its end."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def new_id() -> str:
    """Return a random identifier in the form of a GUID."""
    if not _random_digits:
        text = binascii.hexlify(os.urandom(16 * _IDS_AT_ONCE)).decode("ascii")
        _random_digits.extend(text[at : at + 32] for at in range(0, len(text), 32))
    digits = _random_digits.pop()
    return "{}-{}-4{}-8{}-{}".format(
        digits[:8], digits[8:12], digits[13:16], digits[17:20], digits[20:]
    )


def id_headers(fields: "Mapping[str, str]") -> "Pairs":
    """Return the identifiers that answer those of the request.

    Raises:
        ValueError: one is too long; its text says which.
    """
    request_id = fields.get("x-request-id") or new_id()
    legacy = fields.get("x-ms-request-id", "")
    client = fields.get("x-ms-client-request-id", "") or legacy
    if len(request_id) > LONGEST_ID:
        raise ValueError("x-request-id must not exceed {} characters".format(LONGEST_ID))
    if len(legacy) > LONGEST_ID or len(client) > LONGEST_ID:
        message = "x-ms-request-id and x-ms-client-request-id must not exceed {} characters"
        raise ValueError(message.format(LONGEST_ID))
    pairs = [("x-request-id", request_id), ("x-ms-request-id", legacy or client or request_id)]
    if client:
        pairs.append(("x-ms-client-request-id", client))
    if "traceid" in fields:
        pairs.append(("TraceId", fields["traceid"]))
    return pairs


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value
