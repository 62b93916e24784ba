"""Noticing that the source has changed."""

import collections
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator

    Marks = dict[str, tuple[int, int]]

_EVERY_SECONDS = 0.5
_MOST_FILES = 2000
_MOST_DIRECTORIES = 200
_NO_SOURCE = ("__pycache__", "site-packages", "node_modules")


class SourceWatch:
    """Looks at the Python files below *directories*, and at those that were loaded, now and then.

    Of large trees what is nearest to the top is watched.
    """

    def __init__(self, directories: "Iterable[str]") -> None:
        self._directories = sorted(set(directories))
        self._loaded = ()  # type: tuple[str, ...]
        self._marks = self._look()
        self.look_at = time.monotonic() + _EVERY_SECONDS

    def follow(self, loaded: "Iterable[str]") -> None:
        """Watch the files *loaded* as well."""
        wanted = tuple(sorted(loaded))
        if wanted != self._loaded:
            self._loaded = wanted
            before = self._marks
            self._marks = {path: before.get(path, mark) for path, mark in self._look().items()}

    def has_changed(self, now: float) -> bool:
        """Say whether a file is other than it was at the last look."""
        if now < self.look_at:
            return False
        self.look_at = now + _EVERY_SECONDS
        marks = self._look()
        changed = marks != self._marks
        self._marks = marks
        return changed

    def _look(self) -> "Marks":
        marks = {}  # type: Marks
        for path in self._paths():
            try:
                found = os.stat(path)
            except OSError:
                continue
            marks[path] = (found.st_mtime_ns, found.st_size)
        return marks

    def _paths(self) -> "set[str]":
        paths = set(self._loaded)
        for directory in self._directories:
            for entries in _folders(directory):
                names = [entry.path for entry in entries[:_MOST_FILES]]
                paths.update(name for name in names if name.endswith(".py"))
        return paths


def _folders(top: str) -> "Iterator[list[os.DirEntry[str]]]":
    """Yield what is in *top* and in the folders below it, the nearest first."""
    waiting = collections.deque([top])
    for _ in range(_MOST_DIRECTORIES):
        if not waiting:
            return
        try:
            entries = list(os.scandir(waiting.popleft()))
        except OSError:
            continue
        waiting.extend(entry.path for entry in entries if _may_hold_source(entry))
        yield entries


def _may_hold_source(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith(".") or entry.name in _NO_SOURCE:
        return False
    return entry.is_dir(follow_symlinks=False)
