"""Checking an unpacked conda package before any of its files is linked.

The right hash of its archive proves who built it, not that it is harmless: the engine writes
wherever `info/paths.json` leads. This module checks these paths and the targets of links, for
prefixes and images alike.
"""

from __future__ import annotations

import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from envsync.errors import EnvsyncError
from envsync.files import read_regular
from envsync.files.hashing import hash_file
from envsync.model.inner_path import InnerPath, list_folders, parse_inner_path
from envsync.model.text.redaction import quote
from envsync.package.python import is_part_of_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

_PATHS, _INDEX, _LINK = "info/paths.json", "info/index.json", "info/link.json"
_FILES, _PREFIXED = "info/files", "info/has_prefix"
METADATA = (_PATHS, _INDEX, _LINK, _FILES, _PREFIXED, "info/no_link", "info/no_softlink")
# Where conda keeps its own records, and where rattler puts files aside.
RESERVED = frozenset({"conda-meta", "__clobbers__"})
_LARGEST = 64 << 20  # bytes of metadata: a list of some 300,000 files
_SITE_PACKAGES = re.compile(r"lib/python\d+\.\d+t?/site-packages/")
_COMMAND = re.compile(r"(?!\.)[^\x00-\x1f\x7f/\\:]{1,200}")  # a name that is not hidden
_PATH_TYPES = frozenset({"hardlink", "softlink", "directory"})

_Json: TypeAlias = "dict[str, Any]"


class PackageFaultError(EnvsyncError):
    """A conda package is damaged, is another one, or would touch foreign files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageContent:
    """Where a package's files go, as needed to check that it is safe beside others.

    *folders* are all folders of its files, *links* the targets of its symlinks by path, *commands*
    the scripts that the installer writes to `bin` for it, and *programs* its own files there. Paths
    are relative to the prefix; if it *is_noarch*, a leading `site-packages` is that folder of the
    environment's Python.
    """

    is_noarch: bool
    folders: frozenset[str]
    links: Mapping[str, str]
    commands: tuple[str, ...]
    programs: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A file in the package's list, as the engine reads it."""

    path: InnerPath
    sha256: str | None = None
    may_be_link: bool = True
    is_folder: bool = False


def read_package(
    folder: Path, package: LockedPackage, *, reads_bytes: bool = False
) -> PackageContent:
    """Return where the files of *package*, unpacked in *folder*, would go.

    With *reads_bytes* each file's bytes are compared with the hash that the package has for it.

    Raises:
        PackageFaultError: the package is damaged, is another one, or would touch files outside
            of its environment.
    """
    reader = _Reader(folder, package)
    is_noarch = reader.check_index()
    entries = reader.read_entries()
    commands = reader.read_commands() if is_noarch else ()
    links = {}
    for entry in entries:
        target = reader.check_entry(entry)
        if target is not None:
            links[_place(entry.path, is_noarch=is_noarch)] = target
    places = [_place(entry.path, is_noarch=is_noarch) for entry in entries]
    reader.check_places(places, links)
    reader.check_libraries(places)
    if reads_bytes:
        reader.check_bytes(entries)
    raw = (entry.path for entry in entries) if is_noarch else ()
    made = (f"bin/{command}" for command in commands)
    return PackageContent(
        is_noarch=is_noarch,
        folders=frozenset(list_folders((*places, *raw, *made))),
        links=links,
        commands=commands,
        programs=frozenset(it[4:] for it in places if re.fullmatch(r"bin/[^/]+", it)),
    )


def _place(path: InnerPath, *, is_noarch: bool) -> str:
    """Return where a file goes; `site-packages` is that folder of the environment's Python."""
    if not is_noarch:
        return path
    if path.startswith("python-scripts/"):
        return f"bin/{path.removeprefix('python-scripts/')}"
    found = _SITE_PACKAGES.match(path)
    return f"site-packages/{path[found.end() :]}" if found else path


class _Reader:
    """Reads *package* in *folder*; its errors name the package."""

    def __init__(self, folder: Path, package: LockedPackage) -> None:
        self._folder = folder
        self._package = package

    def check_index(self) -> bool:
        """Check that the package is the locked one; return whether it is noarch Python."""
        index = self._read_json(_INDEX)
        wanted = (self._package.name, self._package.version, self._package.build)
        found = tuple(str(index.get(key)) for key in ("name", "version", "build"))
        if (found[0].lower(), *found[1:]) != wanted:
            raise self._fault(f"`{_INDEX}` says that it is {quote(' '.join(found))}")
        noarch = index.get("noarch")
        return noarch in ("python", {"type": "python"})

    def read_entries(self) -> tuple[_Entry, ...]:
        """Return the package's list of files; packages from before 2017 have it as lines."""
        if not self._has(_PATHS):
            return tuple(self._read_old_entries())
        listed = self._read_json(_PATHS).get("paths")
        if not isinstance(listed, list):
            raise self._fault(f"`{_PATHS}` has no list of `paths`")
        return tuple(self._read_entry(item) for item in listed)

    def _read_entry(self, item: object) -> _Entry:
        kind = item.get("path_type") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(kind, str) or kind not in _PATH_TYPES:
            raise self._fault(f"`{_PATHS}` has an entry that is not a file, link or folder")
        sha256 = item.get("sha256")
        is_rewritten = item.get("prefix_placeholder") is not None
        return _Entry(
            path=self._parse_path(item.get("_path"), _PATHS),
            sha256=sha256 if isinstance(sha256, str) else None,
            may_be_link=kind == "softlink" and not is_rewritten,
            is_folder=kind == "directory",
        )

    def _read_old_entries(self) -> Iterator[_Entry]:
        # A line ends with the path, perhaps in quotes; paths contain no backslash.
        prefixed = self._read(_PREFIXED).replace("\\", "") if self._has(_PREFIXED) else ""
        rewritten = tuple(line.strip().strip("\"'") for line in prefixed.split("\n"))
        listed = self._read(_FILES).removesuffix("\n")
        for line in listed.split("\n") if listed else ():
            path = self._parse_path(line.removesuffix("\r"), _FILES)
            yield _Entry(path=path, may_be_link=not any(it.endswith(path) for it in rewritten))

    def _parse_path(self, value: object, source: str) -> InnerPath:
        try:
            path = parse_inner_path(value)
        except ValueError as error:
            raise self._fault(
                f"`{source}` names {quote(str(value))}, which is not a path inside an environment"
            ) from error
        if path.partition("/")[0].casefold() in RESERVED:
            raise self._fault(f"`{source}` names {quote(path)}, which only installers may write")
        return path

    def read_commands(self) -> tuple[str, ...]:
        """Return the names of the commands in `info/link.json`."""
        if not self._has(_LINK):
            return ()
        noarch = self._read_json(_LINK).get("noarch")
        points = noarch.get("entry_points") if isinstance(noarch, dict) else None
        if points is None:
            return ()
        if not isinstance(points, list):
            raise self._fault(f"`{_LINK}` has `entry_points` that are not a list")
        names = tuple(str(point).partition("=")[0].strip() for point in points)
        for name in names:
            if not _COMMAND.fullmatch(name):
                raise self._fault(
                    f"`{_LINK}` names the command {quote(name)}, which is not a file name"
                )
        return names

    def check_entry(self, entry: _Entry) -> str | None:
        """Check the file of *entry*; return its target if it is a symlink."""
        path = f"{self._folder}/{entry.path}"  # a Path for each would double the time
        try:
            mode = os.lstat(path).st_mode
            target = os.readlink(path) if stat.S_ISLNK(mode) else None  # noqa: PTH115
        except OSError as error:
            self._check_parents(entry)
            raise self._fault(f"{quote(entry.path)} is missing", is_damage=True) from error
        if target is not None and not entry.may_be_link:
            raise self._fault(f"{quote(entry.path)} is a link, and is not listed as one")
        if target is None and not (stat.S_ISDIR if entry.is_folder else stat.S_ISREG)(mode):
            kind = "folder" if entry.is_folder else "file"
            raise self._fault(f"{quote(entry.path)} is listed as a {kind}, and is not one")
        return target

    def _check_parents(self, entry: _Entry) -> None:
        for parent in list_folders((entry.path,)):
            if (self._folder / parent).is_symlink():
                raise self._through_link(parent)

    def check_places(self, places: Iterable[str], links: Mapping[str, str]) -> None:
        """Check that no two files have one place, and that none is behind a link."""
        known: set[str] = set()
        for place in places:
            if place in known:
                raise self._fault(f"it has {quote(place)} twice")
            known.add(place)
        for folder in list_folders(known):
            if folder in links:
                raise self._through_link(folder)

    def check_libraries(self, places: Iterable[str]) -> None:
        """Check that no package but Python has files of Python's own library.

        The environment's Python is started to install pip packages, and must not run the code of
        other packages then.
        """
        if self._package.name == "python":
            return
        for place in places:
            if is_part_of_python(place):
                raise self._fault(f"it has {quote(place)}, which is a part of Python itself")

    def check_bytes(self, entries: Iterable[_Entry]) -> None:
        """Check the hashes of *entries* in parallel."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(self._check_hash, entries))

    def _check_hash(self, entry: _Entry) -> None:
        path = self._folder / entry.path
        if entry.sha256 is None or path.is_symlink() or path.is_dir():
            return
        try:
            found = hash_file(path)
        except OSError as error:
            raise self._fault(f"{quote(entry.path)} can't be read", is_damage=True) from error
        if found != f"sha256:{entry.sha256.lower()}":
            message = f"{quote(entry.path)} has other bytes than the package says"
            raise self._fault(message, is_damage=True)

    def _has(self, name: str) -> bool:
        return os.path.lexists(self._folder / name)  # noqa: TID251  # `exists` follows links

    def _read(self, name: str) -> str:
        if (self._folder / "info").is_symlink():
            raise self._fault("`info` is a link")
        try:
            return read_regular(self._folder / name, most=_LARGEST).decode()
        except (OSError, ValueError) as error:
            raise self._fault(f"`{name}` can't be read", is_damage=True) from error

    def _read_json(self, name: str) -> _Json:
        try:
            content = json.loads(self._read(name), object_pairs_hook=_refuse_twins)
        except (ValueError, RecursionError) as error:
            raise self._fault(f"`{name}` can't be read as JSON", is_damage=True) from error
        if not isinstance(content, dict):
            raise self._fault(f"`{name}` is not a JSON object", is_damage=True)
        return content

    def _through_link(self, folder: str) -> PackageFaultError:
        return self._fault(f"it has files below {quote(folder)}, which is a link")

    def _fault(self, what: str, *, is_damage: bool = False) -> PackageFaultError:
        kind = "damaged" if is_damage else "unsafe"
        return PackageFaultError(
            f"Package `{self._package}` is {kind}: {what}",
            hint="don't use it, and tell the channel's owner: its archive matches the lock",
        )


def _refuse_twins(pairs: list[tuple[str, Any]]) -> _Json:
    """Return *pairs* as an object; refuse a repeated key, which programs read differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
