"""The RECORD of a pip package, which lists its files."""

from __future__ import annotations

import base64
import binascii
import csv
import errno
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envsync.errors import EnvsyncError
from envsync.files import open_regular
from envsync.package.python import is_part_of_python
from envsync.package.witnesses import find_site_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.model.lockfile import LockedPackage

_UNREADABLE = "unreadable"  # equals no hash
_INFO = ".dist-info"
_LONGEST_PATH = 4096
_LONGEST = 64 * 1024 * 1024  # the RECORD of half a million files
# The files that identify the environment, and conda's records of its packages.
_NOT_FOR_PIP = re.compile(
    r"conda-meta/.*|(?:bin/)?pyvenv\.cfg|bin/python(?:3(?:\.\d+t?)?)?|pythonw?\.exe"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRow:
    """A file as RECORD names it, its path, and its sha256 if listed."""

    name: str
    path: Path
    sha256: str | None


def read_record(info: Path) -> tuple[RecordRow, ...]:
    """Return the files of the package with the metadata folder *info*."""
    try:
        text = read_metadata_file(info, "RECORD").decode("utf-8")
        rows = [row for row in csv.reader(text.splitlines()) if row]
        if any(len(row[0]) > _LONGEST_PATH for row in rows):
            raise EnvsyncError(f"`{info / 'RECORD'}` is not a list of files: a path is too long")
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{info / 'RECORD'}`: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise EnvsyncError(f"`{info / 'RECORD'}` is not a list of files: {error}") from error
    return tuple(
        RecordRow(name=row[0], path=_resolve(info.parent / row[0]), sha256=_read_hash(row))
        for row in rows
    )


def dump_record(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the RECORD that has *rows*."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def dump_hash(digest: bytes) -> str:
    """Return a sha256 as a RECORD spells it."""
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def read_metadata_file(info: Path, name: str) -> bytes:
    """Return the bytes of the file *name* in the metadata folder *info*.

    It must be a regular file of limited size. A link may lead to the file of that name in another
    metadata folder, as uv can install packages with links.

    Raises:
        OSError: the file is missing, or is something else.
    """
    path = info / name
    if path.is_symlink() or info.is_symlink():
        there = path.resolve()
        if there.name != name or there.parent.suffix != _INFO:
            raise OSError(errno.EINVAL, "it is a link to something else")
    with open_regular(path) as stream:
        content = stream.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise OSError(errno.EINVAL, "it is too large")
    return content


def find_infos(site_packages: Path) -> dict[str, Path]:
    """Return the metadata folders in *site_packages*, by package name."""
    return {
        canonicalize_name(path.name.removesuffix(_INFO).rpartition("-")[0]): path
        for path in sorted(site_packages.glob(f"*{_INFO}"))
    }


def check_records(prefix: Path, packages: Iterable[LockedPackage]) -> None:
    """Refuse those of *packages* in *prefix* whose RECORD names files that can't be theirs.

    These are files outside of the environment, conda's records and the interpreter. Packages that
    are not installed or have no RECORD are skipped.
    """
    names = {package.name for package in packages}
    for site_packages in find_site_packages(prefix):
        for name, info in find_infos(site_packages).items():
            if name in names and (info / "RECORD").is_symlink() | (info / "RECORD").exists():
                _check_record(prefix, info, name)


def find_outside(rows: Iterable[RecordRow], prefix: Path) -> RecordRow | None:
    """Return the first of *rows* whose file is outside of *prefix*, by name or through links.

    A file may itself be a link, as uv can install packages with links; its folders may not.
    """
    real = prefix.resolve()
    folders: dict[Path, bool] = {}
    for row in rows:
        folder = row.path.parent
        if folder not in folders:
            folders[folder] = folder.resolve().is_relative_to(real)
        if not row.path.is_relative_to(prefix) or not folders[folder]:
            return row
    return None


def _check_record(prefix: Path, info: Path, name: str) -> None:
    rows = read_record(info)
    row, what = find_outside(rows, prefix), "is outside of its environment"
    if row is None:
        row = next((each for each in rows if _is_not_for_pip(each.path, prefix)), None)
        what = "belongs to the environment itself"
    if row is not None:
        raise EnvsyncError(
            f"pip package `{name}` claims `{row.name}`, which {what}",
            hint="don't install it, it may be malicious; choose another version",
        )


def _is_not_for_pip(path: Path, prefix: Path) -> bool:
    """Return whether *path* belongs to the environment itself, by name or through links."""
    real = path.parent.resolve() / path.name
    places = (path.relative_to(prefix), real.relative_to(prefix.resolve()))
    texts = [place.as_posix() for place in places]
    return any(_NOT_FOR_PIP.fullmatch(it) or is_part_of_python(it) for it in texts)


def _read_hash(row: list[str]) -> str | None:
    kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
    if kind != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(digest + "==").hex() or _UNREADABLE
    except (binascii.Error, ValueError):
        return _UNREADABLE


def _resolve(path: Path) -> Path:
    """Return *path* without `..`, ignoring links."""
    parts: list[str] = []
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif len(parts) > 1:
            parts.pop()
    return Path(*parts)
