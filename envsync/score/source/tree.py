"""What of a folder, a source or a model, is copied.

A link to something in the folder becomes a copy of that. One that leads out of it is refused
unless such links are to be followed; pipes, sockets and devices stay behind.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envsync.errors import DefinitionError
from envsync.score.source.ignore_file import IgnoreFile, load_ignore_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

TOOLS = frozenset({".git", "__pycache__", ".ipynb_checkpoints"})
_SECRETS = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".netrc", ".git-credentials"})
_LEFT_OUT = TOOLS | _SECRETS
_MOST_DEPTH = 200  # what is deeper could not even be removed again
_FOLLOW = "copy what such links lead to: `--follow-links`, in Python `follow_links=True`"
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
    the folders *left_out* is copied, nor what has one of the *names_left_out*. Links out of the
    source are followed if *follows_links*, and those to files in the folder *shared* always. An
    ignore file counts in a source, not in a model. Where *is_strict*, what can't be copied is
    refused, and does not just stay behind.
    """

    kind: Literal["source", "model"] = "source"
    elsewhere: Mapping[Path, str] = field(default_factory=dict)
    left_out: frozenset[Path] = frozenset()
    names_left_out: frozenset[str] = _LEFT_OUT
    follows_links: bool = False
    shared: Path | None = None
    is_strict: bool = False


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
        self._ignored = load_ignore_file(source) if rules.kind == "source" else IgnoreFile()
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
                check_readable(entry.path)
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
            raise DefinitionError(message, hint="copy what is needed into another folder")
        try:
            names = sorted((entry.name for entry in os.scandir(folder.path)), reverse=True)
        except OSError as error:
            raise _cannot_read(folder.path, error) from error
        found = (self._look(folder, name) for name in self._drop_left_out(names))
        return [entry for entry in found if entry is not None]

    def _drop_left_out(self, names: Iterable[str]) -> Iterator[str]:
        return (name for name in names if name not in self._rules.names_left_out)

    def _look(self, folder: _Folder, name: str) -> _Entry | None:
        path = folder.path / name
        relative = f"{folder.relative}/{name}" if folder.relative else name
        try:
            facts = path.lstat()
            is_link = stat.S_ISLNK(facts.st_mode)
            facts = path.stat() if is_link else facts
            real = path.resolve() if is_link else folder.real / name
        except (OSError, RuntimeError) as error:
            is_nowhere = isinstance(error, FileNotFoundError) or path.is_symlink()
            if is_nowhere and not self._rules.is_strict:
                return None  # a link to nothing, to itself, or to where this user may not look
            raise _cannot_read(path, error) from error
        if self._rules.is_strict:
            check_copyable(path, facts)
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
        is_shared = not is_folder and entry.real.parent == self._rules.shared
        if not is_inside and not is_shared and not self._rules.follows_links:
            raise self._leads_out(entry)
        if not self._left_out.isdisjoint(entry.real.parents):
            return False
        below = entry.real.relative_to(self._root).parts if is_inside else entry.real.parts[-1:]
        if not self._rules.names_left_out.isdisjoint(below):
            return False
        if is_folder:
            self._check_circle(entry)
        return True

    def _leads_out(self, entry: _Entry) -> DefinitionError:
        kind = self._rules.kind
        if kind == "model":
            return leads_out(entry.path, entry.real, "the model")
        return leads_out(entry.path, entry.real, "the source", self._source / ".amlignore")

    def _check_circle(self, entry: _Entry) -> None:
        above: _Folder | None = entry.above
        while above is not None:
            if above.real == entry.real:
                raise DefinitionError(f"`{entry.path}` links back to a folder that it is in")
            above = above.above
        self._folder_links += 1
        if self._folder_links > _MOST_FOLDER_LINKS:
            hint = "remove those that are not needed"
            if self._rules.kind == "source":
                hint = f"list those that are not needed in `{self._source / '.amlignore'}`"
            message = f"`{self._source}` has more than {_MOST_FOLDER_LINKS} links to folders"
            raise DefinitionError(message, hint=hint)


def leads_out(path: Path, real: Path, where: str, ignore: Path | None = None) -> DefinitionError:
    """Return the error for the link *path* to *real*, which is not in *where*."""
    listed = "" if ignore is None else f"list it in `{ignore}`, "
    return DefinitionError(
        f"`{path}` links to `{real}`, which is not in {where}",
        hint=f"{listed}put a copy in its place, or {_FOLLOW}",
    )


def check_copyable(path: Path, facts: os.stat_result) -> None:
    """Refuse *path*, of which *facts* are known, if it is a pipe, a socket or a device.

    Raises:
        DefinitionError: it is.
    """
    if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
        raise DefinitionError(f"`{path}` is neither a file nor a folder")


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


def check_readable(path: Path) -> None:
    """Refuse *path* if this user may not read it.

    Raises:
        DefinitionError: the user may not.
    """
    if not os.access(path, os.R_OK):
        raise _cannot_read(path, PermissionError(13, os.strerror(13)))


def _cannot_read(path: Path, error: Exception) -> DefinitionError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return DefinitionError(f"Cannot read `{path}`: {reason}")
