"""What went wrong between here and an engine, with the engine's own reason."""

from __future__ import annotations

import contextlib
from http.client import HTTPException
from typing import TYPE_CHECKING

import requests
import urllib3
from docker.errors import APIError, BuildError, DockerException

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GONE_HINT = "see with `docker info` whether it runs, and run this again: what was made is kept"
_FULL_HINT = "free some space for it, such as with `docker system prune`, and run this again"
_OTHER_HINT = "its log, as with `journalctl -u docker`, may tell more"
_BUILD_HINT = "mend the Dockerfile, or name a base image with `--base`"
_BROKEN = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    HTTPException,
    ConnectionError,
)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Say which request failed, and the engine's own reason."""
    try:
        yield
    except requests.Timeout as error:
        raise EnvsyncError(f"Docker Engine, {what}, gives no answer", hint=_GONE_HINT) from error
    except _BROKEN as error:
        raise EnvsyncError(f"Docker Engine, {what}, hung up", hint=_GONE_HINT) from error
    except (DockerException, OSError) as error:  # the SDK lets its transport's errors through
        reason = str(getattr(error, "explanation", None) or error).strip()
        raise EnvsyncError(
            f"Docker Engine, {what}, failed: {reason}", hint=_choose_hint(error, reason)
        ) from error


def _choose_hint(error: Exception, reason: str) -> str:
    if "no space left on device" in reason:
        return _FULL_HINT
    if isinstance(error, BuildError) or (isinstance(error, APIError) and "ockerfile" in reason):
        return _BUILD_HINT
    return _OTHER_HINT
