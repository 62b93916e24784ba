"""Answers as lines of JSON, and as errors."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError, EnvsyncError

if TYPE_CHECKING:
    from envsync.model.scoring.target import Answer

_HTTP_OK = 200


def result_line(answer: Answer) -> str:
    """Return *answer* as one line of JSON: `{"result": what run returned}`, or `{"error": ...}`."""
    if answer.reason:
        return json.dumps({"error": _summary(answer)})
    status = f', "status": {answer.status}' if answer.status != _HTTP_OK else ""
    return f'{{"result": {_result_text(answer)}{status}}}'


def record_line(answer: Answer, *, lock_digest: str | None) -> str:
    """Return *answer* as one line of JSON that says all of it: request, time, status, lock."""
    took = answer.milliseconds
    record: dict[str, Any] = {
        "request": answer.source,
        "status": answer.status,
        "milliseconds": None if took is None else round(took, 3),
        "lock": lock_digest,
    }
    if answer.reason:
        record["error"] = _summary(answer)
        return json.dumps(record)
    return f'{json.dumps(record)[:-1]}, "result": {_result_text(answer)}}}'


def error_of(answer: Answer, script_name: str) -> EnvsyncError | None:
    """Return the error that *answer* stands for, None if `run` answered."""
    failure = answer.failure
    if not answer.reason:
        return None
    if answer.reason == "timeout":
        trace = f"\n{failure.traceback}" if failure is not None else ""
        return EnvsyncError(
            f"`run` of `{script_name}` took too long for `{answer.source}`: "
            f"{answer.message}{trace}",
            hint="set `SCORING_TIMEOUT_MS` to allow more",
        )
    if failure is None:
        return DefinitionError(
            f"`{answer.source}` is no request for `{script_name}`: {answer.message}",
            hint="`run` takes text in UTF-8, unless it is decorated with `@rawhttp`",
        )
    if answer.reason == "not-json" and not failure.traceback:
        return EnvsyncError(
            f"`run` of `{script_name}` returned no JSON for `{answer.source}`: {failure.message}",
            hint="convert it in `run` before it is returned",
        )
    return EnvsyncError(
        f"`run` of `{script_name}` failed for `{answer.source}`: {failure.summary}\n"
        + failure.traceback
    )


def _summary(answer: Answer) -> str:
    if answer.failure is None or answer.reason == "timeout":
        return answer.message
    return answer.failure.summary


def _result_text(answer: Answer) -> str:
    if answer.content_type.startswith("application/json"):
        return answer.body.decode("utf-8")
    try:
        return json.dumps(answer.body.decode("utf-8"))
    except UnicodeDecodeError:
        return json.dumps({"base64": base64.b64encode(answer.body).decode("ascii")})
