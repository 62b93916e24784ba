"""Calling the entry script: `init()` once, then `run()` per request."""

import inspect
import json
import time

from . import binding, encoding, failure, script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
_NOT_JSON = "An unexpected internal error occurred. Check the logs for more info."


class Caller:
    """The loaded entry script, ready for requests."""

    def __init__(self, entry_script: str) -> None:
        module = script.load_script(entry_script)
        self._run = module.run
        self._binding = binding.TextBinding(module.run)
        self._loop = None  # type: Any
        self._await_if_needed(module.init())

    def answer(self, request: "dict[str, Any]", body: bytes) -> "tuple[dict[str, Any], bytes]":
        """Return the header and the body of the answer to *request* with *body*."""
        try:
            arguments = self._binding.bind(body, dict(request.get("headers", ())))
        except binding.BadRequestError as error:
            return _refusal(error.status, "bad-request", str(error))
        started = time.perf_counter()
        try:
            result = self._await_if_needed(self._run(**arguments))
        except BaseException as error:  # also SystemExit: the worker lives on
            if isinstance(error, KeyboardInterrupt):
                raise
            return _refusal(500, "raised", _RUN_FAILED, error)
        milliseconds = (time.perf_counter() - started) * 1000
        return _encoded(result, milliseconds)

    def _await_if_needed(self, value: "Any") -> "Any":
        """Return *value*, or what it comes to if `init` or `run` is `async`."""
        if not inspect.iscoroutine(value):
            return value
        import asyncio  # noqa: PLC0415  # few scripts need it

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(value)


def _encoded(result: "Any", milliseconds: float) -> "tuple[dict[str, Any], bytes]":
    try:
        body, warnings = encoding.encode(result)
    except BaseException as error:  # a `toJSON` of the script's may raise anything
        if isinstance(error, KeyboardInterrupt):
            raise
        return _refusal(500, "not-json", _NOT_JSON, error)
    answer = {
        "status": 200,
        "failed": False,
        "type": "application/json",
        "ms": milliseconds,
        "warnings": warnings,
    }
    return answer, body


def _refusal(
    status: int, reason: str, message: str, error: "BaseException | None" = None
) -> "tuple[dict[str, Any], bytes]":
    answer = {
        "status": status,
        "failed": reason == "raised",
        "type": "application/json",
        "reason": reason,
        "message": message,
        "warnings": [],
    }
    if error is not None:
        answer["failure"] = failure.describe(error)
    return answer, json.dumps({"message": message}).encode("ascii")
