"""Check the name and the path of an environment."""

from __future__ import annotations

import unicodedata
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.text.redaction import shorten

if TYPE_CHECKING:
    from pathlib import PurePath

NAME_HINT = "begin with a letter or a digit, and leave out control characters"

_LONGEST = 255  # bytes, in most file systems
_CONTROL = frozenset({"Cc", "Zl", "Zp"})
_PATH_LIST = "separates the folders in `PATH`"
_QUOTE = "breaks the scripts that activate an environment"
_LINE = "breaks the first line of its scripts"
_IN_PATHS = {":": _PATH_LIST, **dict.fromkeys("\"'`\\", _QUOTE)}


def find_name_fault(name: str) -> str | None:
    """Return why *name* can't be the name of an environment, None if it can.

    Azure ML accepts names that a folder or an image can't have. They are not a fault here: a
    folder or an image can have another name. Space around *name*, which YAML allows, is ignored.
    """
    name = name.strip(" \t\r\n")
    if name.startswith("-"):
        return "it begins with `-`, as options do"
    if name in {".", ".."}:
        return "it stands for a folder"
    if any(_is_control(character) for character in name):
        return "it has a control character"
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST:
        return f"it is longer than {_LONGEST} bytes"
    return None


def check_environment_name(name: str) -> str:
    """Return *name* if an environment can have it.

    Raises:
        DefinitionError: it can't.
    """
    if fault := find_name_fault(name):
        raise DefinitionError(describe_name_fault(name, fault), hint=NAME_HINT)
    return name


def describe_name_fault(name: str, fault: str) -> str:
    """Return the message about *name*, which has *fault*."""
    return f"`{shorten(name)}` can't be the name of an environment: {fault}"


def is_folder_name(name: str) -> bool:
    """Return whether the folder of an environment can have *name*."""
    is_plain = not any(it.isspace() or it == "/" or it in _IN_PATHS for it in name)
    return is_plain and name[:1] not in {"", "."} and find_name_fault(name) is None


def check_prefix(prefix: PurePath) -> None:
    """Refuse *prefix* if an environment would not work there.

    Raises:
        DefinitionError: a character in it breaks `PATH`, activation or scripts.
    """
    is_windows = isinstance(prefix, PureWindowsPath)
    for character in str(prefix)[len(prefix.drive) :]:
        fault = _find_fault(character)
        if fault is not None and not (is_windows and character == "\\"):
            raise DefinitionError(
                f"`{shorten(str(prefix))}` can't be the path of an environment: "
                f"{_show(character)} {fault}",
                hint="choose a path without it",
            )


def _find_fault(character: str) -> str | None:
    if _is_control(character):
        return _LINE
    return "is not valid in UTF-8" if _is_half(character) else _IN_PATHS.get(character)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in _CONTROL


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"  # how Python spells a byte that is not UTF-8


def _show(character: str) -> str:
    if character == "`":
        return "a backtick"
    return f"`{character}`" if character.isprintable() else f"the character U+{ord(character):04X}"
