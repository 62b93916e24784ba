"""A file of a definition that is to be changed: its text, and how to write it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError
from envsync.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_ENCODINGS = (
    (b"", "utf-8"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"", "utf-16-le"),
    (b"", "utf-16-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EditableFile:
    """The text of *path*, without its byte order mark, and the bytes that it was read from."""

    path: Path
    text: str
    content: bytes

    def write(self, text: str) -> bool:
        """Put *text* into the file, in its own encoding; return whether that changes anything.

        Raises:
            EnvsyncError: the file can't be written, or has changed since it was read.
        """
        content = _encode(text, self.text, self.content)
        if content == self.content:
            return False
        target = self.path.resolve()
        if target.read_bytes() != self.content:
            raise DefinitionError(f"`{self.path}` has changed meanwhile", hint="try again")
        write_atomically(target, content)
        return True


def open_editable(path: Path) -> EditableFile:
    """Read *path* with the care that `read_source` takes.

    Raises:
        DefinitionError: it is not there, or is none that a definition can have.
    """
    text = read_source(path, Report(str(path)))
    return EditableFile(path=path, text=text, content=path.read_bytes())


def _encode(text: str, before: str, content: bytes) -> bytes:
    for mark, encoding in _ENCODINGS:
        if mark + before.encode(encoding) == content:
            return mark + text.encode(encoding)
    raise DefinitionError("The file has changed meanwhile", hint="try again")
