"""Small facts in files, each with a checksum of its name and content."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from envsync.files import cannot_write, make_aside, read_regular, remove_left_over
from envsync.model.inner_path import parse_inner_path

if TYPE_CHECKING:
    from pathlib import Path

_UNFINISHED = "unfinished"
_LARGEST = 256 << 20  # bytes: a note may list the files of a package


class Notes:
    """Facts by name, in the folder *root*."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> Any:
        """Return the value of *name*, None if it is missing or was changed."""
        try:
            note = read_regular(self._place(name), most=_LARGEST).decode()
            digest, _, content = note.partition("\n")
            return json.loads(content) if digest == _digest(name, content) else None
        except (OSError, ValueError):
            return None

    def write(self, name: str, value: object) -> None:
        """Store *value*, which must fit JSON, as *name* in one step.

        If the machine stops, it may be broken afterwards, and then counts as missing.
        """
        path = self._place(name)
        content = json.dumps(value, sort_keys=True)
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with make_aside(self._root / _UNFINISHED) as aside:
                aside.write_text(f"{_digest(name, content)}\n{content}", encoding="utf-8")
                aside.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from error

    def _place(self, name: str) -> Path:
        path = parse_inner_path(name)
        if "/" in path:
            raise ValueError(name)
        return self._root / path

    def clean(self) -> None:
        """Remove what killed processes left."""
        remove_left_over(self._root / _UNFINISHED)


def _digest(name: str, content: str) -> str:
    return hashlib.sha256(f"{name}\n{content}".encode()).hexdigest()
