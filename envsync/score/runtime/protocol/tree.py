"""The tree of a directory as text."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_LONGEST_TREE = 200


def draw_tree(directory: str, depth: int = 8, limit: int = _LONGEST_TREE) -> "list[str]":
    """Return what is below *directory*, a line each and at most *limit*, directories first."""
    lines = []  # type: list[str]
    for line in _tree_lines(directory, "", depth):
        if len(lines) == limit:
            lines.append("...")
            break
        lines.append(line)
    return lines or ["(nothing)"]


def _tree_lines(directory: str, indent: str, depth: int) -> "Iterator[str]":
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: (entry.is_file(), entry.name))
    except OSError as error:
        yield "{}({})".format(indent, error.strerror)
        return
    for entry in entries:
        if not entry.is_dir():
            yield indent + entry.name
            continue
        yield "{}{}/".format(indent, entry.name)
        if depth > 1 and not entry.is_symlink():
            for line in _tree_lines(entry.path, indent + "  ", depth - 1):
                yield line
