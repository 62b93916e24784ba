"""Relative paths that stay inside a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 4096  # bytes, as on Linux
_LONGEST_NAME = 255
_DEEPEST = 100  # nested folders; some tools recurse into each


class InnerPath(str):
    """A relative path with `/` between its names, none of which is `.`, `..` or empty."""

    __slots__ = ()


def parse_inner_path(value: object) -> InnerPath:
    """Return *value* as a path that stays inside the folder it is joined to.

    A backslash, which separates names on Windows, is refused.

    Raises:
        ValueError: it is not such a path.
    """
    if not isinstance(value, str) or not value or "\0" in value or "\\" in value:
        raise ValueError(value)
    names = value.split("/")
    # Encoding a lone surrogate raises UnicodeEncodeError, which is a ValueError.
    lengths = [len(name.encode()) for name in names]
    if sum(lengths) + len(names) > _LONGEST or max(lengths) > _LONGEST_NAME:
        raise ValueError(value)
    if len(names) > _DEEPEST or any(name in ("", ".", "..") for name in names):
        raise ValueError(value)
    if ":" in names[0][1:2]:  # `C:x` is on another drive
        raise ValueError(value)
    return InnerPath(value)


def list_folders(paths: Iterable[str]) -> set[str]:
    """Return every folder above *paths*, without the outermost."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found
