"""What of a source folder goes along with a service.

A link to something in the source becomes a copy of that. One that leads out of the source is
refused unless such links are to be followed; pipes, sockets and devices stay behind.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.score.ignore_file import IgnoreFile, load_ignore_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_TOOLS = frozenset({".git", "__pycache__", ".ipynb_checkpoints"})
_SECRETS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".netrc", ".git-credentials"})
_LEFT_OUT = _TOOLS | _SECRETS
_MOST_DEPTH = 200  # what is deeper could not even be removed again
_MOST_FOLDER_LINKS = 1000  # a few links to folders with such links can stand for billions of files


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """What is at *relative* below the source: *path*, of *size* bytes.

    A folder *is_folder*; what lies *elsewhere* is a link to there.
    """

    relative: str
    path: Path
    size: int = 0
    is_folder: bool = False
    elsewhere: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRules:
    """How a source is read.

    What lies *elsewhere* (real paths, and the places there) is not copied once more. Nothing of
    the folders *left_out* is copied. Links out of the source are followed if *follows_links*.
    """

    elsewhere: Mapping[Path, str] = field(default_factory=dict)
    left_out: frozenset[Path] = frozenset()
    follows_links: bool = False


def list_tree(source: Path, rules: SourceRules) -> Iterator[SourceFile]:
    """Yield what the folder *source* holds, a folder before what is in it, in order of names.

    Raises:
        DefinitionError: something can't be read, or a link leads where it may not.
    """
    return _Walk(source, rules).find_all()


@dataclass(slots=True)
class _Folder:
    """A folder that is read at present; it is told of before the first thing in it."""

    path: Path
    real: Path
    relative: str
    above: _Folder | None
    is_told: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something in the folder *above*; *real* is where it is once links are followed."""

    path: Path
    real: Path
    relative: str
    above: _Folder
    facts: os.stat_result


class _Walk:
    """One reading of a source; folders wait in a list, however deep they lie."""

    def __init__(self, source: Path, rules: SourceRules) -> None:
        self._source = source
        self._root = source.resolve()
        self._rules = rules
        holders = {self._root, *self._root.parents}  # the source may lie in what is left out
        self._left_out = rules.left_out - holders
        self._ignored: IgnoreFile = load_ignore_file(source)
        self._prunes = not self._ignored.takes_back
        self._folder_links = 0

    def find_all(self) -> Iterator[SourceFile]:
        top = _Folder(self._source, self._root, "", None, is_told=True)
        waiting = list(self._read(top))
        while waiting:
            entry = waiting.pop()
            if entry.real in self._rules.elsewhere:
                yield from _tell(entry.above)
                place = self._rules.elsewhere[entry.real]
                yield SourceFile(relative=entry.relative, path=entry.path, elsewhere=place)
            elif stat.S_ISREG(entry.facts.st_mode):
                _check_readable(entry.path)
                yield from _tell(entry.above)
                size = entry.facts.st_size
                yield SourceFile(relative=entry.relative, path=entry.real, size=size)
            elif stat.S_ISDIR(entry.facts.st_mode):
                ignored = self._ignored.leaves_out(f"{entry.relative}/")
                folder = _Folder(entry.path, entry.real, entry.relative, entry.above, is_told=False)
                if not ignored:
                    yield from _tell(folder)
                waiting += self._read(folder)

    def _read(self, folder: _Folder) -> list[_Entry]:
        """Return what is in *folder* and is not left out, the last name first."""
        if folder.relative.count("/") >= _MOST_DEPTH:
            message = f"`{self._source}` has folders more than {_MOST_DEPTH} deep"
            raise DefinitionError(message, hint="copy what the script needs into another folder")
        try:
            names = sorted((entry.name for entry in os.scandir(folder.path)), reverse=True)
        except OSError as error:
            raise _cannot_read(folder.path, error) from error
        found = (self._look(folder, name) for name in names if name not in _LEFT_OUT)
        return [entry for entry in found if entry is not None]

    def _look(self, folder: _Folder, name: str) -> _Entry | None:
        path = folder.path / name
        relative = f"{folder.relative}/{name}" if folder.relative else name
        try:
            facts = path.lstat()
            is_link = stat.S_ISLNK(facts.st_mode)
            real = path.resolve() if is_link else folder.real / name
            facts = path.stat() if is_link else facts
        except FileNotFoundError:
            return None  # a link that leads nowhere
        except (OSError, RuntimeError) as error:
            if path.is_symlink():
                return None  # likewise: it leads to itself, or to where this user may not look
            raise _cannot_read(path, error) from error
        entry = _Entry(path, real, relative, folder, facts)
        if real in self._rules.elsewhere:
            return entry
        if self._is_left_out(entry) or (is_link and not self._may_follow(entry)):
            return None
        return entry

    def _is_left_out(self, entry: _Entry) -> bool:
        is_folder = stat.S_ISDIR(entry.facts.st_mode)
        if is_folder and entry.real in self._left_out:
            return True
        if is_folder and not self._prunes:
            return False
        return self._ignored.leaves_out(entry.relative + "/" * is_folder)

    def _may_follow(self, entry: _Entry) -> bool:
        """Say whether the link *entry* is one to follow.

        Raises:
            DefinitionError: it leads out of the source, or in a circle.
        """
        is_folder = stat.S_ISDIR(entry.facts.st_mode)
        is_inside = entry.real == self._root or self._root in entry.real.parents
        if not is_folder and not stat.S_ISREG(entry.facts.st_mode):
            return False
        if not is_inside and not self._rules.follows_links:
            raise DefinitionError(
                f"`{entry.path}` links to `{entry.real}`, which is not in the source",
                hint=f"list it in `{self._source / '.amlignore'}`, put a copy in its place, "
                "or copy what such links lead to: `--follow-links`, in Python `follow_links=True`",
            )
        if not self._left_out.isdisjoint(entry.real.parents):
            return False
        below = entry.real.relative_to(self._root).parts if is_inside else entry.real.parts[-1:]
        if not _LEFT_OUT.isdisjoint(below):
            return False
        if is_folder:
            self._check_circle(entry)
        return True

    def _check_circle(self, entry: _Entry) -> None:
        above: _Folder | None = entry.above
        while above is not None:
            if above.real == entry.real:
                raise DefinitionError(f"`{entry.path}` links back to a folder that it is in")
            above = above.above
        self._folder_links += 1
        if self._folder_links > _MOST_FOLDER_LINKS:
            raise DefinitionError(
                f"`{self._source}` has more than {_MOST_FOLDER_LINKS} links to folders",
                hint=f"list those that are not needed in `{self._source / '.amlignore'}`",
            )


def _tell(folder: _Folder) -> Iterator[SourceFile]:
    """Yield *folder*, after those above it, if that was not done yet."""
    untold = []
    above: _Folder | None = folder
    while above is not None and not above.is_told:
        untold.append(above)
        above = above.above
    for one in reversed(untold):
        one.is_told = True
        yield SourceFile(relative=one.relative, path=one.path, is_folder=True)


def _check_readable(path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise _cannot_read(path, PermissionError(13, os.strerror(13)))


def _cannot_read(path: Path, error: Exception) -> DefinitionError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return DefinitionError(f"Cannot read `{path}`: {reason}")
