"""Reading bodies of answers, with limits on size and time."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

import requests
import urllib3

from envsync.adapters.registry.transport import cut_after, find_socket
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_MANIFEST = 4 << 20  # bytes, as for Docker and containerd
LARGEST_CONFIG = 8 << 20
LARGEST_TOKEN = 1 << 20
_LARGEST_REASON = 64 << 10
_REASON_SECONDS = 10.0
_CHUNK = 64 << 10
_LONGEST_WORDS = 300  # characters
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a1-\u1fff\u3001-\ud7ff]+")
_BROKEN = (EOFError, OSError, zlib.error)


class TooLargeError(EnvsyncError):
    """A body is larger than its limit."""


def read_body(answer: requests.Response, *, most: int, seconds: float) -> bytes:
    """Return the content of *answer*, up to *most* bytes once decompressed, within *seconds*.

    Raises:
        TooLargeError: it is larger.
        requests.RequestException: it breaks off, or takes longer.
    """
    stream = _open(answer)
    parts, size = [], 0
    try:
        with cut_after(seconds, find_socket(answer)):
            while part := stream.read(min(_CHUNK, most + 1 - size)):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise _explain_size(most)
    except TimeoutError as error:
        raise requests.ReadTimeout(str(error)) from error
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(str(error)) from error
    except (urllib3.exceptions.HTTPError, *_BROKEN) as error:
        raise requests.ConnectionError(error) from error
    return b"".join(parts)


def _open(answer: requests.Response) -> Any:
    """Return the content of *answer* as a stream, decompressed if needed."""
    packed = answer.headers.get("Content-Encoding", "").strip().lower()
    if packed in ("", "identity"):
        return answer.raw
    if packed in ("gzip", "x-gzip"):
        return gzip.GzipFile(fileobj=cast("IO[bytes]", answer.raw))
    raise requests.exceptions.ContentDecodingError("it is compressed, which was not asked for")


def parse_json(content: bytes) -> object:
    """Parse *content* as JSON.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return cast("object", json.loads(content.decode("utf-8"), parse_constant=_refuse))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def find_reason(answer: requests.Response) -> str:
    """Return the registry's own reason, from the errors of the distribution protocol."""
    try:
        content = read_body(answer, most=_LARGEST_REASON, seconds=_REASON_SECONDS)
        found = parse_json(content)
    except (requests.RequestException, ValueError, EnvsyncError):
        found = None
    errors = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(errors, list):
        return clean(answer.reason or "") or "no reason"
    return clean("; ".join(_list_reasons(errors))) or "no reason"


def _list_reasons(errors: Iterable[object]) -> list[str]:
    known = [it for it in errors if isinstance(it, dict)]
    return [str(it.get("message") or it.get("code")) for it in known]


def clean(words: str) -> str:
    """Return *words* as one line of bounded length without control characters."""
    line = _UNPRINTABLE.sub(" ", words).strip()
    return line if len(line) <= _LONGEST_WORDS else f"{line[:_LONGEST_WORDS]}..."


class LimitedStream:
    """The stream *raw*, limited to *most* bytes."""

    def __init__(self, raw: Any, most: int) -> None:
        self._raw = raw
        self._left = most
        self._most = most

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            TooLargeError: there is more.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        wanted = min(size, self._left + 1)
        part = bytes(self._raw.read(wanted))
        self._left -= len(part)
        if self._left < 0:
            raise _explain_size(self._most)
        return part


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _explain_size(most: int) -> TooLargeError:
    return TooLargeError(
        f"A registry sent a part of an image with more than {most:,} bytes",
        hint="that is more than allowed: the registry is broken or malicious",
    )
