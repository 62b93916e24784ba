"""Requirements files with lines in them that uv must not see as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from envsync.adapters.uv.origin import spell_for_uv
from envsync.definition.requirement.pip_line import PipLineError, parse_pip_option, strip_comment
from envsync.definition.requirement.pip_section import MOST_FILES, join_lines
from envsync.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CONTINUED = re.compile(r"\\\r?\n(?!\s*--hash)")  # uv joins lines before options alone
_FILES = {"--constraint", "--requirement"}
_FROM_THE_FILE = {*_FILES, "--find-links"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The lines that are to stand for some options, and those that only constrain."""

    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


def open_files(options: Iterable[str], directory: Path, *, depth: int = 0) -> Opened:
    """Return *options* with the lines of those files in *directory* that uv is not to see.

    uv starts git with the addresses that a file has, credentials included, and believes the
    hashes behind others.
    """
    lines: list[str] = []
    constraints: list[str] = []
    for option in options:
        opened = _open_file(option, directory, depth) or Opened(lines=(spell_for_uv(option),))
        lines += opened.lines
        constraints += opened.constraints
    return Opened(lines=tuple(lines), constraints=tuple(constraints))


def _open_file(option: str, directory: Path, depth: int) -> Opened | None:
    """Return the lines of the file that *option* names, None if uv may have it as it is."""
    name, value = _parse(option)
    if name not in _FILES or "://" in value:
        return None
    try:
        with open_regular(directory / value) as stream:
            text = stream.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    folder = PurePosixPath(value).parent
    lines = tuple(
        _move(line, folder) for _, each in join_lines(text) if (line := strip_comment(each))
    )
    opened = Opened(lines=tuple(map(spell_for_uv, lines)))
    if depth < MOST_FILES:
        opened = open_files(lines, directory, depth=depth + 1)
    if opened == Opened(lines=lines) and not _CONTINUED.search(text):
        return None
    if name == "--constraint":
        named = (_name_fully(line, directory) for line in opened.lines)
        return Opened(constraints=(*named, *opened.constraints))
    return opened


def _name_fully(line: str, directory: Path) -> str:
    """Return *line* for a file that lies elsewhere than in *directory*."""
    name, value = _parse(line)
    if name not in _FROM_THE_FILE or "://" in value:
        return line
    return f"{name} {directory.absolute() / value}"


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
