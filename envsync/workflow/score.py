"""`envsync score`: requests through the entry script, in the environment of its definition."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring import Answer, ScoringRequest, ScoringTarget
from envsync.score.script_text import missing_functions, missing_functions_error
from envsync.score.session import score_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_HTTP_OK = 200


def score(
    target: ScoringTarget, requests: Iterable[ScoringRequest], *, environ: Mapping[str, str]
) -> Iterator[Answer]:
    """Yield the answer to each of *requests*; see `score_requests` for the errors.

    A script that lacks `init` or `run` is refused before anything is started.
    """
    missing = missing_functions(target.entry_script)
    if missing:
        raise missing_functions_error(target.entry_script.name, missing)
    return score_requests(target, requests, environ=environ)


def read_request(source: str) -> ScoringRequest:
    """Return the request in the file *source*, or from stdin for `-`.

    Raises:
        DefinitionError: it can't be read.
    """
    if source == "-":
        return ScoringRequest(source="-", body=sys.stdin.buffer.read())
    try:
        return ScoringRequest(source=source, body=Path(source).read_bytes())
    except OSError as error:
        raise DefinitionError(
            f"Cannot read request `{source}`: {error.strerror or error}",
            hint="give `--data` a file, or `-` for stdin",
        ) from error


def result_line(answer: Answer) -> str:
    """Return *answer* as one line of JSON: `{"result": what run returned}`, or `{"error": ...}`."""
    if answer.reason:
        return json.dumps({"error": answer.failure.summary if answer.failure else answer.message})
    status = f', "status": {answer.status}' if answer.status != _HTTP_OK else ""
    return f'{{"result": {_result_text(answer)}{status}}}'


def error_of(answer: Answer, script_name: str) -> EnvsyncError | None:
    """Return the error that *answer* stands for, None if `run` answered."""
    failure = answer.failure
    if not answer.reason:
        return None
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


def _result_text(answer: Answer) -> str:
    if answer.content_type.startswith("application/json"):
        return answer.body.decode("utf-8")
    try:
        return json.dumps(answer.body.decode("utf-8"))
    except UnicodeDecodeError:
        return json.dumps({"base64": base64.b64encode(answer.body).decode("ascii")})
