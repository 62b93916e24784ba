"""What a pip package says its files are: the RECORD of its metadata folder."""

from __future__ import annotations

import base64
import binascii
import csv
from dataclasses import dataclass
from pathlib import Path

from envsync.errors import EnvsyncError

_UNREADABLE = "unreadable"  # a hash that no file has


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRow:
    """A file as RECORD names it, where it lies, and its sha256 where that is said."""

    name: str
    path: Path
    sha256: str | None


def read_record(info: Path) -> tuple[RecordRow, ...]:
    """Return the files of the package whose metadata folder is *info*.

    Raises:
        EnvsyncError: there is no RECORD, or it can't be read.
    """
    try:
        text = (info / "RECORD").read_text(encoding="utf-8")
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{info / 'RECORD'}`: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise EnvsyncError(f"`{info / 'RECORD'}` is no list of files: {error}") from error
    return tuple(
        RecordRow(name=row[0], path=_resolve(info.parent / row[0]), sha256=_read_hash(row))
        for row in rows
    )


def _read_hash(row: list[str]) -> str | None:
    kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
    if kind != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(digest + "==").hex() or _UNREADABLE
    except binascii.Error:
        return _UNREADABLE


def _resolve(path: Path) -> Path:
    """Return *path* without `..`, whatever links lie on its way."""
    parts: list[str] = []
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif len(parts) > 1:
            parts.pop()
    return Path(*parts)
