"""pip packages as a `pylock.toml` (PEP 751), which uv and pip install from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from envsync.model.repository import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.model.repository import Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedFile:
    """An archive that an index has of a package."""

    url: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PylockEntry:
    """A package in a `pylock.toml`: where a *marker* holds, any of *files* will do.

    Without files it is the one that is locked. *revision* is what was asked of a repository,
    *index* the index that the files are from.
    """

    package: LockedPackage
    files: tuple[IndexedFile, ...] = ()
    marker: str = ""
    revision: str = ""
    index: str | None = None

    @property
    def own_file(self) -> IndexedFile:
        """The archive that is locked."""
        return IndexedFile(url=self.package.url, sha256=self.package.sha256 or "")


@dataclass(frozen=True, kw_only=True, slots=True)
class PylockHead:
    """What a `pylock.toml` says of the machines that it is for."""

    environments: tuple[str, ...] = ()
    requires_python: str = ""


def dump_entries(entries: Iterable[PylockEntry], head: PylockHead | None = None) -> str:
    """Return *entries* as a `pylock.toml`."""
    lines = ['lock-version = "1.0"']
    if head is not None and head.environments:
        lines.append(f"environments = [{', '.join(map(_quote, head.environments))}]")
    if head is not None and head.requires_python:
        lines.append(f"requires-python = {_quote(head.requires_python)}")
    lines.append('created-by = "envsync"')
    tables = [line for entry in entries for line in ("", "[[packages]]", *_dump_entry(entry))]
    lines += tables or ["packages = []"]  # the key must be there
    return "\n".join((*lines, ""))


def _dump_entry(entry: PylockEntry) -> Iterator[str]:
    package = entry.package
    repository = parse_repository(package.url)
    yield f"name = {_quote(package.name)}"
    if repository is None:  # that of a repository is found out when it is built
        yield f"version = {_quote(package.version)}"
    if entry.marker:
        yield f"marker = {_quote(entry.marker)}"
    if entry.index is not None:
        yield f"index = {_quote(entry.index)}"
    if repository is not None:
        yield f"vcs = {_dump_repository(repository, entry.revision)}"
    else:
        yield from _dump_files(entry)


def _dump_files(entry: PylockEntry) -> Iterator[str]:
    files = entry.files or (entry.own_file,)
    wheels = [_dump_file(file) for file in files if is_wheel(file.url)]
    sdists = [_dump_file(file) for file in files if not is_wheel(file.url)]
    if sdists:
        yield f"sdist = {sdists[0]}"
    if len(wheels) == 1:
        yield f"wheels = [{wheels[0]}]"
    elif wheels:
        yield from ("wheels = [", *(f"  {wheel}," for wheel in wheels), "]")


def _dump_file(file: IndexedFile) -> str:
    parts = urlsplit(file.url)
    is_relative = parts.scheme == "file" and not parts.path.startswith("/")
    place = {"path": unquote(parts.path)} if is_relative else {"url": file.url}
    hashes = f"{{ sha256 = {_quote(file.sha256)} }}"
    return f"{{ {_dump_pairs(place)}, hashes = {hashes} }}"


def _dump_repository(repository: Repository, revision: str) -> str:
    values = {
        "type": "git",
        "url": repository.url,
        "requested-revision": revision,
        "commit-id": repository.revision,
        "subdirectory": repository.subdirectory,
    }
    return f"{{ {_dump_pairs({key: value for key, value in values.items() if value})} }}"


def _dump_pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key} = {_quote(value)}" for key, value in values.items())


def move_relative(package: LockedPackage, directory: Path, folder: Path) -> LockedPackage:
    """Return *package* of a lock in *directory* as a file in *folder* has to name its place."""
    parts = urlsplit(package.url)
    start, end = folder.resolve(), directory.resolve()
    if parts.scheme != "file" or parts.path.startswith("/") or start == end:
        return package
    shared = next(each for each in (start, *start.parents) if end.is_relative_to(each))
    way = PurePosixPath(
        *[".."] * len(start.relative_to(shared).parts), end.relative_to(shared).as_posix()
    )
    return replace(package, url=f"file:{quote(str(way))}/{parts.path}")


def is_from_index(url: str) -> bool:
    """Tell whether *url* is that of an archive elsewhere, which an index may have others beside."""
    return urlsplit(url).scheme in ("http", "https")


def is_wheel(url: str) -> bool:
    """Tell whether *url* is that of a wheel, and not of source code."""
    return unquote(urlsplit(url).path).endswith(".whl")


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string
