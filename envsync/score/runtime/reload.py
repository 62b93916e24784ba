"""Noticing that the source has changed."""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    Marks = dict[str, tuple[int, int]]

_EVERY_SECONDS = 0.5
_MOST_FILES = 2000


class SourceWatch:
    """Looks at the Python files in *directories*, and at those that were loaded, now and then."""

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
            self._marks = dict(self._look(), **self._marks)

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
            try:
                names = [entry.path for entry in os.scandir(directory)]
            except OSError:
                continue
            paths.update(name for name in names[:_MOST_FILES] if name.endswith(".py"))
        return paths
