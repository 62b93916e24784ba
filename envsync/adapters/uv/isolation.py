"""An environment's Python for uv to ask: it starts without running code of its packages."""

from __future__ import annotations

import contextlib
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCRIPT = '#!/bin/sh\nexec {} -S "$@"\n'
_VENV = "pyvenv.cfg"


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolated:
    """What uv is to start for an environment's *python*, and *prefix*, if that must be named."""

    python: str
    prefix: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """What makes uv install into that environment."""
        return ("--python", self.python, *self.prefix)


@contextlib.contextmanager
def isolate(python: Path) -> Iterator[Isolated]:
    """Give what uv is to start in place of *python*.

    uv asks an interpreter about itself with `-I`, which still runs `.pth` files and
    `sitecustomize.py` of the packages there. A script beside it adds `-S`, so that it runs nothing
    but its standard library. Windows has no such scripts.
    """
    if os.name != "posix":
        yield Isolated(python=str(python))
        return
    script = python.with_name(f".python-{os.urandom(8).hex()}")
    descriptor = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(_SCRIPT.format(shlex.quote(str(python))))
        yield Isolated(python=str(script), prefix=_list_prefix(python))
    finally:
        script.unlink(missing_ok=True)


def _list_prefix(python: Path) -> tuple[str, ...]:
    """Return the options that name the place, where `-S` hides it: a virtual environment."""
    folder = python.parent
    if any((each / _VENV).exists() for each in (folder, folder.parent)):
        return ("--prefix", str(folder.parent))
    return ()
