"""Requirements files with credentials in them, which uv would hand on for everybody to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.adapters.uv.origin import strip_git_userinfo
from envsync.spec.pip_line import PipLineError, parse_pip_option, strip_comment
from envsync.spec.pip_section import MOST_FILES, join_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def open_files(options: Iterable[str], directory: Path, *, depth: int = 0) -> list[str]:
    """Return *options* with the lines of those files in *directory* that hold git's credentials.

    uv starts git with the addresses that a file has; without them git gets the credentials in
    another way. Of files in other folders the paths would no longer be right: they are left.
    """
    lines: list[str] = []
    for option in options:
        lines += _open_file(option, directory, depth) or [option]
    return lines


def _open_file(option: str, directory: Path, depth: int) -> list[str]:
    """Return the lines of the file that *option* names, nothing if uv may have it as it is."""
    try:
        name, value = parse_pip_option(option) if option.startswith("-") else ("", "")
    except PipLineError:
        return []
    path = directory / value
    if name != "--requirement" or "://" in value or path.parent.resolve() != directory.resolve():
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    lines = [line for _, each in join_lines(text) if (line := strip_comment(each))]
    public = [strip_git_userinfo(line) for line in lines]
    opened = open_files(public, directory, depth=depth + 1) if depth < MOST_FILES else public
    return opened if opened != lines else []
