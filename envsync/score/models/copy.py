"""Copying a model, with the digest of what was copied."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from envsync.errors import DefinitionError
from envsync.files import cannot_write, open_regular
from envsync.score.models.tree import ModelRules, list_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_WRITABLE = 0o222


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """What was copied: its digest, and how many bytes it has."""

    sha256: str
    size: int


def list_files(source: Path, *, follows_links: bool = False) -> Iterator[tuple[str, Path]]:
    """Yield each file of the model *source*, a file or a folder, by its path within, sorted.

    What links lead to is part of the model, and out of *source* only if it *follows_links*.

    Raises:
        DefinitionError: something in it is no file, can't be read, or leads out of it.
    """
    found = list_model(source, ModelRules(follows_links=follows_links))
    yield from sorted((one.relative, one.path) for one in found if not one.is_folder)


def copy_model(
    source: Path, target: Path, *, read_only: bool, follows_links: bool = False
) -> Copied:
    """Copy the model *source* to *target*, which is not there; *read_only* takes write access away.

    Raises:
        DefinitionError: *source* is no model, or links lead out of it and it *follows_links* not.
        EnvsyncError: it can't be copied: no room, no permission.
    """
    files = list(list_files(source, follows_links=follows_links))
    if not files:
        raise DefinitionError(f"`{source}` holds no file", hint="give the model's own folder")
    total = hashlib.sha256()
    size = 0
    for relative, path in files:
        place = target / relative if relative else target
        try:
            digest, length = _copy_file(path, place, read_only=read_only)
        except OSError as error:
            raise cannot_write(place, error) from error
        size += length
        if not relative:
            return Copied(sha256=digest, size=size)
        total.update(f"{digest}  ".encode() + os.fsencode(relative) + b"\n")
    return Copied(sha256=total.hexdigest(), size=size)


def _open(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except OSError as error:
        raise _cannot_read(path, error) from error


def _read(stream: BinaryIO, path: Path) -> bytes:
    try:
        return stream.read(_CHUNK)
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: OSError) -> DefinitionError:
    return DefinitionError(f"Cannot read `{path}`: {error.strerror or error}")


def _copy_file(source: Path, target: Path, *, read_only: bool) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with _open(source) as incoming, target.open("xb") as outgoing:
        while chunk := _read(incoming, source):
            digest.update(chunk)
            outgoing.write(chunk)
            size += len(chunk)
        mode = stat.S_IMODE(os.fstat(incoming.fileno()).st_mode)
    target.chmod(mode & ~_WRITABLE if read_only else mode | stat.S_IWUSR)
    return digest.hexdigest(), size
