"""What went wrong between here and an engine, with the engine's own reason."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from docker.errors import DockerException

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Say which request failed, and the engine's own reason."""
    try:
        yield
    except (DockerException, OSError) as error:  # the SDK lets its transport's errors through
        reason = getattr(error, "explanation", None) or error
        raise EnvsyncError(f"Docker Engine, {what}, failed: {reason}") from error
