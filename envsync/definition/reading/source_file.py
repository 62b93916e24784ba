"""The files of a definition, read without trusting what they are."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from envsync.definition.reading.report import Place
from envsync.errors import DefinitionError
from envsync.files.reading import NO_WAIT

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.reading.report import Report

LARGEST_FILE = 1024 * 1024

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8 with a byte order mark"),
    (b"\xff\xfe\x00\x00", "utf-32", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32", "UTF-32"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)


def read_source(path: Path, report: Report) -> str:
    """Return the text of *path*, which may be in UTF-8 or, with a warning, in UTF-16.

    Only a regular file of at most *LARGEST_FILE* bytes is read, and a symbolic link only where
    it stays in its own directory tree.

    Raises:
        DefinitionError: the file is not there, or is none that a definition can have.
    """
    encoding, label, text = _decode(_read_bytes(path, report), report)
    # The SDK reads YAML behind a byte order mark, but neither JSON nor anything in UTF-16.
    if encoding != "utf-8" and not (encoding == "utf-8-sig" and path.suffix != ".json"):
        report.warn(
            "",
            f"the file is {label}, which azureml-core fails on",
            hint="save as UTF-8",
            rule="encoding",
        )
    return text


def _read_bytes(path: Path, report: Report) -> bytes:
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
            hint = "copy the file to where the link is"
            raise _refusal(report, "a symbolic link out of its directory is not followed", hint)
        handle = os.open(path, os.O_RDONLY | NO_WAIT)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the links go in a circle"
        raise _refusal(report, f"cannot be read: {reason}") from error
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise _refusal(report, f"this is {kind}, where a file should be")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            content = stream.read(LARGEST_FILE + 1)
    finally:
        os.close(handle)
    if len(content) > LARGEST_FILE:
        raise _refusal(report, f"the file is larger than {LARGEST_FILE:,} bytes")
    return content


def _decode(content: bytes, report: Report) -> tuple[str, str, str]:
    encoding, label = _guess_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        message = f"the byte 0x{content[error.start]:02X} is not {label}"
        report.error("", message, hint="save the file as UTF-8", at=place, rule="encoding")
        raise DefinitionError.from_findings(report.errors) from error
    return encoding, label, text


def _guess_encoding(content: bytes) -> tuple[str, str]:
    for mark, encoding, label in _BOMS:
        if content.startswith(mark):
            return encoding, label
    # Both files of a definition start with two ASCII characters.
    if len(content) > 1 and (content[0] == 0) != (content[1] == 0):
        return ("utf-16-be" if content[0] == 0 else "utf-16-le"), "UTF-16"
    return "utf-8", "UTF-8"


def _refusal(report: Report, message: str, hint: str | None = None) -> DefinitionError:
    report.error("", message, rule="missing", hint=hint)
    return DefinitionError.from_findings(report.errors)
