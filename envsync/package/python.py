"""Python in an environment: which one it is, where it is, and where its own library is."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

# Where Python looks for its own library when it starts.
_LIBRARY = re.compile(r"lib/python\d+\.\d+t?/(?:lib-dynload/)?(?P<module>[A-Za-z0-9_]+)(?:[./]|$)")
_SEARCHED = re.compile(
    r"(?:lib/)?python\d+t?\.zip|(?:bin/)?(?:pyvenv\.cfg|pybuilddir\.txt|python[^/]*\._pth)",
    re.IGNORECASE,
)


_FREE_THREADED = re.compile(r"_cp3\d+t$")


def is_part_of_python(path: str) -> bool:
    """Return whether Python has, or looks for, its own library at *path* in the prefix."""
    found = _LIBRARY.match(path)
    is_module = found is not None and found["module"] in sys.stdlib_module_names
    return is_module or _SEARCHED.fullmatch(path) is not None


def python_path(prefix: Path) -> Path:
    """Return the interpreter of the environment at *prefix*."""
    return prefix / "python.exe" if sys.platform == "win32" else prefix / "bin" / "python"


def is_noarch(package: LockedPackage) -> bool:
    """Return whether the place of *package* depends on the Python of its environment."""
    return package.manager == "conda" and "/noarch/" in package.url


def find_python(packages: Iterable[LockedPackage]) -> LockedPackage | None:
    """Return the Python among *packages*, if any."""
    for package in packages:
        if package.manager == "conda" and package.name == "python":
            return package
    return None


def find_python_folder(packages: Iterable[LockedPackage]) -> str:
    """Return the folder in `lib` of the Python among *packages*, or nothing."""
    python = find_python(packages)
    if python is None:
        return ""
    suffix = "t" if _FREE_THREADED.search(python.build) else ""
    return f"python{'.'.join(python.version.split('.')[:2])}{suffix}"
