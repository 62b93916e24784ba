"""A conversation with the runtime: the entry script loaded once, asked as often as needed."""

from __future__ import annotations

import contextlib
import signal
from subprocess import TimeoutExpired
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

from envsync import process
from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring.target import Answer, ScoringRequest, ScoringTarget, ScriptFailure
from envsync.score.command import runtime_command
from envsync.score.interpreter import activated
from envsync.score.runtime.protocol import wire
from envsync.score.runtime.protocol.explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from subprocess import Popen

_LINGERING_SECONDS = 5
_INTERRUPTED = 130
_HTTP_OK = 200


def score_requests(
    target: ScoringTarget,
    requests: Iterable[ScoringRequest],
    *,
    environ: Mapping[str, str],
    options: Mapping[str, object] | None = None,
) -> Iterator[Answer]:
    """Yield the answer to each of *requests*, in their order.

    The script is loaded, and `init()` called, before the first of *requests* is taken. What the
    script prints goes to this process's stderr. *options* are further ones of the runtime's.

    Raises:
        DefinitionError: the script is not an entry script.
        EnvsyncError: it can't be imported, `init()` fails, or the process dies.
    """
    env = activated(environ, target.interpreter, dict(target.variables))
    child = process.start(runtime_command("worker", target, options), cwd=target.app_root, env=env)
    try:
        loaded = _receive(child)
        if loaded is None:
            _raise_for_death(child, "while it was loaded", target)
        if not loaded[0]["loaded"]:
            _raise_for_loading(loaded[0], target)
        for request in requests:
            answer = _ask(child, request)
            if answer is None:
                _raise_for_death(child, f"while it answered `{request.source}`", target)
            yield answer
    finally:
        _end(child)


def _ask(child: Popen[bytes], request: ScoringRequest) -> Answer | None:
    with contextlib.suppress(BrokenPipeError):
        stdin = cast("IO[bytes]", child.stdin)
        stdin.write(wire.pack({}, request.body))
        stdin.flush()
    received = _receive(child)
    if received is None:
        return None
    header, body = received
    while header.get("more"):
        received = _receive(child)
        if received is None:
            return None
        body += received[1] if "reason" not in received[0] else b""
        header |= {"more": False} | received[0]
    return Answer(
        source=request.source,
        status=header.get("status", _HTTP_OK),
        body=body,
        content_type=header.get("type", "application/json"),
        milliseconds=header.get("ms"),
        warnings=tuple(header.get("warnings", ())),
        reason=header.get("reason", ""),
        message=header.get("message", ""),
        failure=_failure_of(header) if "failure" in header else None,
    )


def _receive(child: Popen[bytes]) -> tuple[dict[str, Any], bytes] | None:
    return wire.read(cast("BinaryIO", child.stdout))


def _failure_of(header: Mapping[str, Any]) -> ScriptFailure:
    told = header["failure"]
    return ScriptFailure(
        type=told["type"],
        message=told["message"],
        traceback=told["traceback"].rstrip("\n"),
        line=told["line"],
    )


def _raise_for_loading(told: Mapping[str, Any], target: ScoringTarget) -> NoReturn:
    found = explain(
        dict(told),
        str(target.entry_script),
        "" if target.model_dir is None else str(target.model_dir),
        str(target.interpreter.python),
    )
    if found.is_definition:
        raise DefinitionError(found.message, hint=found.hint)
    raise EnvsyncError(found.message, hint=found.hint)


def _raise_for_death(child: Popen[bytes], when: str, target: ScoringTarget) -> NoReturn:
    status = child.wait()
    name = target.entry_script.name
    if status in {-signal.SIGINT, _INTERRUPTED}:
        raise KeyboardInterrupt
    how = f"ended with status {status}"
    if status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
    raise EnvsyncError(f"The Python that runs `{name}` {how} {when}")


def _end(child: Popen[bytes]) -> None:
    """Let *child* see that no request is left; one that lingers is killed."""
    with contextlib.suppress(OSError):
        cast("IO[bytes]", child.stdin).close()
    try:
        child.wait(timeout=_LINGERING_SECONDS)
    except TimeoutExpired:
        child.kill()
        child.wait()
    except BaseException:
        child.kill()
        raise
    finally:
        cast("IO[bytes]", child.stdout).close()
