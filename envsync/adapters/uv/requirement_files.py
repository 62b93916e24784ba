"""Requirements files with lines in them that uv must not see as they are."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from envsync.adapters.uv.origin import spell_for_uv
from envsync.spec.pip_line import PipLineError, parse_pip_option, strip_comment
from envsync.spec.pip_section import MOST_FILES, join_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CONTINUED = re.compile(r"\\\r?\n(?!\s*--hash)")  # uv joins lines before options alone
_FROM_THE_FILE = {"--constraint", "--find-links", "--requirement"}


def open_files(options: Iterable[str], directory: Path, *, depth: int = 0) -> list[str]:
    """Return *options* with the lines of those files in *directory* that uv is not to see.

    uv starts git with the addresses that a file has, credentials included, and believes the
    hashes behind others.
    """
    lines: list[str] = []
    for option in options:
        lines += _open_file(option, directory, depth) or [option]
    return lines


def _open_file(option: str, directory: Path, depth: int) -> list[str]:
    """Return the lines of the file that *option* names, nothing if uv may have it as it is."""
    name, value = _parse(option)
    if name != "--requirement" or "://" in value:
        return []
    try:
        text = (directory / value).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    folder = PurePosixPath(value).parent
    lines = [_move(line, folder) for _, each in join_lines(text) if (line := strip_comment(each))]
    spelt = [spell_for_uv(line) for line in lines]
    opened = open_files(spelt, directory, depth=depth + 1) if depth < MOST_FILES else spelt
    is_split = _CONTINUED.search(text) is not None
    return opened if is_split or opened != lines else []


def _parse(line: str) -> tuple[str, str]:
    try:
        return parse_pip_option(line) if line.startswith("-") else ("", "")
    except PipLineError:
        return "", ""


def _move(line: str, folder: PurePosixPath) -> str:
    """Return *line* of a file in *folder* as the definition would have it.

    Files and links that it names start at the file, paths of packages at the definition.
    """
    name, value = _parse(line)
    if name not in _FROM_THE_FILE or "://" in value or folder == PurePosixPath():
        return line
    return f"{name} {folder / value}"
