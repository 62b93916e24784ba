"""What an ignore file leaves out of a source folder: `.amlignore`, else `.gitignore`, as in Azure.

Of the patterns that match a file the last one counts, also where a folder above it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from pathspec import PathSpec, Pattern

_MOST = 1 << 20
_NAMES = (".amlignore", ".gitignore")


@dataclass(frozen=True, kw_only=True, slots=True)
class IgnoreFile:
    """The patterns of the ignore file *path*, which is None where there is none."""

    path: Path | None = None
    patterns: PathSpec[Pattern] | None = None

    def leaves_out(self, relative: str) -> bool:
        """Say whether *relative*, a path below the source, is left out; a folder ends in `/`."""
        return self.patterns is not None and self.patterns.match_file(relative)

    @property
    def takes_back(self) -> bool:
        """Whether a pattern brings back files of folders that others leave out."""
        return self.patterns is not None and any(
            pattern.include is False for pattern in self.patterns.patterns
        )


def load_ignore_file(folder: Path) -> IgnoreFile:
    """Return what the ignore file in *folder* says.

    Raises:
        DefinitionError: it can't be read, or has a line that is no pattern.
    """
    for name in _NAMES:
        path = folder / name
        if path.is_file():
            return _load(path)
    return IgnoreFile()


def _load(path: Path) -> IgnoreFile:
    from pathspec import PathSpec  # noqa: PLC0415  # most sources have no such file

    try:
        content = read_regular(path, most=_MOST, follows=True)
        text = content.decode("utf-8-sig", "surrogateescape")
        return IgnoreFile(path=path, patterns=PathSpec.from_lines("gitignore", text.splitlines()))
    except OSError as error:
        raise DefinitionError(f"Cannot read `{path}`: {error.strerror or error}") from error
    except ValueError as error:
        raise DefinitionError(f"`{path}`: {error}") from error
