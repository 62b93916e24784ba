"""Errors from an engine, with the engine's own reason."""

from __future__ import annotations

import contextlib
from http.client import HTTPException
from typing import TYPE_CHECKING

import requests
import urllib3
from docker.errors import APIError, BuildError, DockerException

from envsync.errors import EnvsyncError
from envsync.remedy import Option, advise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.remedy import Hint

_GONE_HINT = "check with `docker info` that it runs, then run this again; finished parts are kept"
_FULL_HINT = "free some space for it, such as with `docker system prune`, and run this again"
_OTHER_HINT = "see its log, such as with `journalctl -u docker`"
_BUILD_HINT = advise("fix the Dockerfile, or name a base image with ", Option("base"))
_BROKEN = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    HTTPException,
    ConnectionError,
)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise an error that names the request that failed and the engine's own reason."""
    try:
        yield
    except requests.Timeout as error:
        raise EnvsyncError(f"Docker Engine, {what}, does not answer", hint=_GONE_HINT) from error
    except _BROKEN as error:
        raise EnvsyncError(f"Docker Engine, {what}, hung up", hint=_GONE_HINT) from error
    except (DockerException, OSError) as error:  # the SDK passes on its transport's errors
        reason = str(getattr(error, "explanation", None) or error).strip()
        raise EnvsyncError(
            f"Docker Engine, {what}, failed: {reason}", hint=_choose_hint(error, reason)
        ) from error


def _choose_hint(error: Exception, reason: str) -> Hint:
    if "no space left on device" in reason:
        return _FULL_HINT
    if isinstance(error, BuildError) or (isinstance(error, APIError) and "ockerfile" in reason):
        return _BUILD_HINT
    return _OTHER_HINT
