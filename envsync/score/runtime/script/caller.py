"""Calling the entry script: `init()` once, then `run()` per request."""

import itertools
import json
import re
import time
import types

from ..protocol import failure, messages
from . import binding, encoding, script
from .timelimit import TimeLimit, limit_in_milliseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

    from .profiling import Profile

    Frame = tuple[dict[str, Any], bytes]

_dumps = json.dumps  # as it was before the script
_SERVER_ERROR = 500
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_LEAST_STATUS, _MOST_STATUS = 200, 999  # what is below is not the last of its request


class Caller:
    """The loaded entry script, ready for requests.

    Loading an SDK v1 driver module, its `init` is called, and the `run` of the script behind it.
    """

    def __init__(
        self,
        entry_script: str,
        *,
        is_alone: bool = True,
        profile: "Profile | None" = None,
        debug: "Callable[[BaseException], None] | None" = None,
    ) -> None:
        def measured(phase: str, function: "Any") -> "Any":
            return function if profile is None else profile.wrap(phase, function)

        self._debug = debug
        module = measured("import", script.load_script)(entry_script)
        inner = getattr(module, "driver_module", None)
        behind = isinstance(inner, types.ModuleType) and hasattr(inner, "run")
        self._run = inner.run if behind else module.run  # type: ignore[union-attr]  # looked at above
        self._binding = binding.bind(self._run)
        self._wants_headers = binding.wants_headers(self._run)
        self._call = measured("run", self._run)
        self._limit = TimeLimit(limit_in_milliseconds(), is_alone=is_alone)
        self._loop = None  # type: Any
        self._await_if_needed(measured("init", module.init)())

    def describe(self) -> "dict[str, Any]":
        """Return what a server needs to know of the script."""
        return {
            "kind": self._binding.kind,
            "wants_headers": self._wants_headers or self._binding.kind == "raw",
            "schema": binding.schema_of(self._run),
            "limit": self._limit.milliseconds,
        }

    def answer(self, header: "dict[str, Any]", body: bytes) -> "Iterator[Frame]":
        """Yield the frames of the answer to the request of *header* and *body*.

        All but the last of a streamed answer say `more`.
        """
        call = binding.Call(header, body)
        try:
            arguments = self._binding.arguments(call)
        except binding.BadRequestError as error:
            yield _refusal(error.status, "bad-request", str(error))
            return
        if self._wants_headers:
            arguments[binding.HEADERS] = call.headers_by_title()
        started = time.perf_counter()
        try:
            with self._limit:
                result = self._await_if_needed(self._call(**arguments))
        except BaseException as error:  # noqa: BLE001  # a script may raise or exit as it likes
            yield self._failure(error)
            return
        if self._limit.passed:
            yield self._timeout(None)
            return
        milliseconds = (time.perf_counter() - started) * 1000
        if hasattr(result, "iter_encoded") and hasattr(result, "status_code"):
            for frame in _response_frames(result, milliseconds):
                yield frame
            return
        yield _encoded(result, milliseconds)

    def _await_if_needed(self, value: "Any") -> "Any":
        """Return *value*, or what it comes to if `init` or `run` is `async`."""
        if not isinstance(value, types.CoroutineType):
            return value
        import asyncio  # noqa: PLC0415  # few scripts need it

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(value)

    def _failure(self, error: BaseException) -> "Frame":
        if isinstance(error, KeyboardInterrupt) and not self._limit.passed:
            raise error
        if self._debug is not None:
            self._debug(error)
        return self._timeout(error) if self._limit.passed else _raised(error)

    def _timeout(self, error: "BaseException | None") -> "Frame":
        limit = self._limit.milliseconds
        return _refusal(500, "timeout", messages.TIMEOUT.format(limit), error)


def _encoded(result: "Any", milliseconds: float) -> "Frame":
    try:
        body, warnings = encoding.encode(result)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return _refusal(500, "not-json", messages.NOT_JSON, error)
    header = {"ms": milliseconds}  # type: dict[str, Any]
    if warnings:
        header["warnings"] = warnings
    return header, body


def _response_frames(response: "Any", milliseconds: float) -> "Iterator[Frame]":
    """Yield the frames of a response object: the script's, Flask's or ours.

    It begins with its first piece, so that what fails before that is answered as a failure.
    """
    try:
        status = _status_of(response)
        headers = _headers_of(response)
        pieces = _pieces_of(response)
        first = next(pieces, b"") if response.is_streamed else b"".join(pieces)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
        yield _raised(error)
        return
    header = {
        "ms": milliseconds,
        "status": status,
        "failed": status >= _SERVER_ERROR or _says_failed(response),
        "headers": headers,
    }  # type: dict[str, Any]
    header["type"] = dict(header["headers"]).get("Content-Type", "")
    if not response.is_streamed:
        yield header, first
        return
    yield dict(header, more=True), b""
    for frame in _stream_frames(itertools.chain([first], pieces)):
        yield frame


def _stream_frames(pieces: "Iterator[bytes]") -> "Iterator[Frame]":
    try:
        for piece in pieces:
            if piece:
                yield {"more": True}, piece
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
        yield _raised(error)
        return
    yield {}, b""


def _status_of(response: "Any") -> int:
    status = int(response.status_code)
    if not _LEAST_STATUS <= status <= _MOST_STATUS:
        message = "A response's status is a number from {} to {}, not {}"
        raise ValueError(message.format(_LEAST_STATUS, _MOST_STATUS, status))
    return status


def _headers_of(response: "Any") -> "list[tuple[str, str]]":
    """Return the header fields, which have to be such as can be sent."""
    found = [(str(name), str(value)) for name, value in response.headers]
    for name, value in found:
        value.encode("latin-1")
        if not _NAME.match(name):
            raise ValueError("A header is named by letters, digits and hyphens, not " + repr(name))
    return found


def _says_failed(response: "Any") -> bool:
    if getattr(response, "run_function_failed", False):
        return True
    return str(response.headers.get("x-ms-run-function-failed")).lower() == "true"


def _pieces_of(response: "Any") -> "Iterator[bytes]":
    for piece in response.iter_encoded():
        if not isinstance(piece, bytes):
            message = "A response is made of text or bytes, not of `{}`"
            raise TypeError(message.format(type(piece).__name__))
        yield piece


def _raised(error: BaseException) -> "Frame":
    return _refusal(500, "raised", messages.RUN_FAILED, error)


def _refusal(
    status: int, reason: str, message: str, error: "BaseException | None" = None
) -> "Frame":
    header = {
        "status": status,
        "failed": reason in ("raised", "timeout"),
        "reason": reason,
        "message": message,
    }  # type: dict[str, Any]
    if error is not None:
        header["failure"] = failure.describe(error)
    return header, _dumps({"message": message}).encode("ascii")
