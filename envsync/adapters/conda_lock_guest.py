"""conda-lock as a guest: what it changes in the process that imports or calls it is taken back."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "CONDA_ROOT"  # which its copy of conda sets
_LIBRARIES = Path("_vendor", "poetry", "core", "_vendor")  # which its copy of poetry puts first
_AT_IT = threading.Lock()


@contextlib.contextmanager
def as_guest() -> Iterator[None]:
    """Let conda-lock be imported and called, by one thread at a time, and leave no trace of it.

    The process may be a notebook: with conda-lock's libraries on `sys.path` it would import
    those in place of its own, and with a handler on the root logger it would hear all twice.
    """
    root = logging.getLogger()
    deaf = logging.NullHandler()  # with a handler there, none is made for want of one
    with _AT_IT:
        variable = os.environ.get(_VARIABLE)
        libraries = _find_libraries()
        if libraries is not None:
            sys.path.append(libraries)
        root.addHandler(deaf)
        try:
            yield
        finally:
            root.removeHandler(deaf)
            if libraries is not None:
                with contextlib.suppress(ValueError):  # others may have seen to it
                    sys.path.remove(libraries)
            if variable is None:
                os.environ.pop(_VARIABLE, None)
            else:
                os.environ[_VARIABLE] = variable


def _find_libraries() -> str | None:
    """Return the path of poetry's libraries as poetry writes it, unless it is there already."""
    package = find_spec("conda_lock")
    places = (package.submodule_search_locations if package is not None else None) or ()
    for place in places:
        path = (Path(place) / _LIBRARIES).as_posix()
        return None if path in sys.path else path
    return None
