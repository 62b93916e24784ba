"""The files of pip packages in an image, taken from an environment they were unpacked in."""

from __future__ import annotations

import configparser
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.image.store.files import ImageFile
from envsync.package.pip_record import (
    dump_hash,
    dump_record,
    find_outside,
    read_metadata_file,
    read_record,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envsync.package.pip_record import RecordRow

# An installer's own files beside the package's metadata.
_NOTES = frozenset({"REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"})
_LAUNCHERS = ("console_scripts", "gui_scripts")
# The head of uv's scripts if the interpreter's path is too long for a first line.
_LONG_HEAD = re.compile(rb"#!/bin/sh\n'''exec' [^\n]*\n' '''\n")
_HEADERS = re.compile(r"include/site/python[^/]+/")
_LONGEST_HEAD = 127  # Linux before 5.1 reads no more
_LAUNCHER = """\
{head}
# -*- coding: utf-8 -*-
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({called}())
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipPlace:
    """Where pip packages go: the *prefix*, and its Python's folder name, such as `python3.11`."""

    prefix: str
    python: str

    @property
    def site_packages(self) -> str:
        """The folder for modules, relative to the prefix."""
        return f"lib/{self.python}/site-packages"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A file of a package: its path in the prefix, where it is now, and its hash."""

    path: str
    source: Path
    sha256: str | None


def list_pip_files(info: Path, *, unpacked: Path, place: PipPlace) -> Sequence[ImageFile]:
    """Return the files of the package with the metadata *info* in the environment *unpacked*.

    Console scripts are rewritten for the interpreter of *place*. An installer's own files are left
    out, and RECORD is updated.
    """
    record = read_record(info)
    if (outside := find_outside(record, unpacked)) is not None:
        raise EnvsyncError(
            f"`{info.name}` claims `{outside.name}`, which is outside of its environment"
        )
    rows = [row for item in record if (row := _read_row(item, info, unpacked, place))]
    launchers = _list_launchers(info)
    files = [_to_file(row, launchers, place) for row in rows]
    return (*files, _dump_record(files, info, place))


def _read_row(item: RecordRow, info: Path, unpacked: Path, place: PipPlace) -> _Row | None:
    source = item.path
    is_note = source.parent == info and (source.name in _NOTES or source.name == "RECORD")
    if is_note or source.parent.name == "__pycache__":
        return None  # compiled for sources with another time
    if source.is_relative_to(info.parent):
        path = f"{place.site_packages}/{source.relative_to(info.parent).as_posix()}"
    else:
        path = source.relative_to(unpacked).as_posix()
        path = _HEADERS.sub(f"include/{place.python}/", path, count=1)
    return _Row(path=path, source=source, sha256=item.sha256)


def _to_file(row: _Row, launchers: Mapping[str, str], place: PipPlace) -> ImageFile:
    path = f"{place.prefix}/{row.path}"
    try:
        is_executable = bool(row.source.stat().st_mode & 0o100)
        if not row.path.startswith("bin/"):
            return ImageFile(
                path=path, source=row.source, sha256=row.sha256, is_executable=is_executable
            )
        content = row.source.read_bytes()
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{row.source}`: {error.strerror}") from error
    python = f"{place.prefix}/bin/python"
    launched = launchers.get(row.path.removeprefix("bin/"))
    if launched is not None:
        content = _dump_launcher(launched, python)
    else:
        content = _retarget(content, row.source, python)
    return ImageFile(path=path, content=content, is_executable=True)


def _retarget(content: bytes, source: Path, python: str) -> bytes:
    """Point the script *content* to *python* if it names the interpreter beside *source*."""
    head, newline, rest = content.partition(b"\n")
    long_head = _LONG_HEAD.match(content)
    if long_head is not None:
        head, rest = long_head[0], content[long_head.end() :]
    if str(source.with_name("python")).encode() not in head:
        return content
    return _dump_head(python).encode() + (newline or b"\n") + rest


def _list_launchers(info: Path) -> dict[str, str]:
    """Return the `module:function` of a package's console scripts, by name."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(read_metadata_file(info, "entry_points.txt").decode("utf-8"))
    except FileNotFoundError:
        return {}
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise EnvsyncError(f"`{info.name}` has an `entry_points.txt` that can't be read") from error
    return {
        name: target.partition("[")[0].strip()
        for section in _LAUNCHERS
        if parser.has_section(section)
        for name, target in parser.items(section)
    }


def _dump_head(python: str) -> str:
    """Return the head of a script for *python*, through a shell if its path is too long."""
    head = f"#!{python}"
    if len(head) <= _LONGEST_HEAD:
        return head
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"


def _dump_launcher(target: str, python: str) -> bytes:
    module, _, called = target.partition(":")
    text = _LAUNCHER.format(
        head=_dump_head(python),
        module=module.strip(),
        first=called.strip().partition(".")[0],
        called=called.strip(),
    )
    return text.encode()


def _dump_record(files: Sequence[ImageFile], info: Path, place: PipPlace) -> ImageFile:
    own = f"{place.site_packages}/{info.name}/RECORD"
    lines = [(_relative(file.path, place), *_measure(file)) for file in files]
    content = dump_record(sorted([*lines, (f"{info.name}/RECORD", "", "")]))
    return ImageFile(path=f"{place.prefix}/{own}", content=content)


def _relative(path: str, place: PipPlace) -> str:
    site_packages = f"{place.prefix}/{place.site_packages}/"
    if path.startswith(site_packages):
        return path[len(site_packages) :]
    return f"../../../{path.removeprefix(place.prefix + '/')}"


def _measure(file: ImageFile) -> tuple[str, str]:
    if file.content is not None:
        digest, size = hashlib.sha256(file.content).digest(), len(file.content)
    elif file.sha256 is not None and file.source is not None:
        digest, size = bytes.fromhex(file.sha256), file.source.stat().st_size
    else:
        return "", ""
    return dump_hash(digest), str(size)
