"""Where Python lies in an environment, and where it has or looks for its own library."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Where a Python looks for its own library before it has read a line of it.
_LIBRARY = re.compile(r"lib/python\d+\.\d+t?/(?:lib-dynload/)?(?P<module>[A-Za-z0-9_]+)(?:[./]|$)")
_SEARCHED = re.compile(
    r"(?:lib/)?python\d+t?\.zip|(?:bin/)?(?:pyvenv\.cfg|pybuilddir\.txt|python[^/]*\._pth)",
    re.IGNORECASE,
)


def is_part_of_python(path: str) -> bool:
    """Say whether *path*, from the prefix on, is where Python has or looks for its own library."""
    found = _LIBRARY.match(path)
    is_module = found is not None and found["module"] in sys.stdlib_module_names
    return is_module or _SEARCHED.fullmatch(path) is not None


def python_path(prefix: Path) -> Path:
    """Return the interpreter of the environment at *prefix*."""
    return prefix / "python.exe" if sys.platform == "win32" else prefix / "bin" / "python"
