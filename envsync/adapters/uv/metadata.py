"""What packages say of themselves, from where uv has read it."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from envsync.adapters.uv.msgpack import unpack
from envsync.package.pip_record import read_metadata_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envsync.model.lockfile import LockedPackage

_USUAL_BACKEND = ("setuptools>=40.8.0",)  # where a project names none (PEP 517)
_KNOWN_FIELDS = 3  # name, version, requirements: what comes first in uv's record


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a package needs to run, as PEP 508 requirements, and to be built if it is source."""

    requires: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()


def find_cache() -> Path:
    """Return the folder of uv's cache, by the rules that uv's documentation gives."""
    named = os.environ.get("UV_CACHE_DIR")
    if named:
        return Path(named).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "uv" / "cache"
    shared = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(shared) if shared.startswith("/") else Path.home() / ".cache") / "uv"


class MetadataCache:
    """Reads the metadata that uv keeps in its cache at *root* of what it has resolved.

    uv has read the metadata of every package of a solution, from an index, an archive or by
    building it; asking for it again would cost more than the solve.
    """

    def __init__(self, root: Path) -> None:
        self._wheels = _find_buckets(root, "wheels-v*")
        self._sources = _find_buckets(root, "sdists-v*")

    def find_wheel(self, wheel: LockedPackage, *, is_direct: bool = False) -> Metadata:
        """Return the metadata of a *wheel* from an index, or from an address that *is_direct*."""
        name, version = wheel.name, wheel.version
        file_name = unquote(wheel.url.rpartition("/")[2])
        stem = f"{version}-{file_name.removesuffix('.whl').split('-', 2)[-1]}"
        places = (f"url/*/{name}",) if is_direct else (f"pypi/{name}", f"index/*/{name}")
        records, fetched = (f"{stem}.msgpack", f"{version}-*.msgpack"), f"{stem}.http"
        kinds = (fetched, *records) if is_direct else (*records, fetched)
        for bucket in self._wheels:
            for pattern in (f"{place}/{kind}" for kind in kinds for place in places):
                for path in _newest_first(bucket.glob(pattern)):
                    requires = _read_entry(path, wheel)
                    if requires is not None:
                        return Metadata(requires=requires)
        return Metadata()

    def find_source(self, name: str, version: str) -> Metadata:
        """Return the metadata of an archive of source code."""
        usual = (f"pypi/{name}/{version}/*", f"index/*/{name}/{version}/*", "url/*/*", "path/*/*")
        for path, requires in self._find(usual, name, version):
            return Metadata(requires=requires, build_requires=_read_backend(path.parent / "src"))
        for bucket in self._sources:  # what says all that is needed uv doesn't build to find out
            for place in usual:
                for folder in _newest_first(bucket.glob(f"{place}/src")):
                    static = _read_static(folder, name, version)
                    if static is not None:
                        return Metadata(requires=static, build_requires=_read_backend(folder))
        return Metadata()

    def find_commit(self, name: str, version: str, commit: str, pyproject: str | None) -> Metadata:
        """Return the metadata of *name* in a repository at *commit*, with *pyproject* beside it."""
        requires = parse_requires(pyproject)
        if requires is None:
            found = self._find((f"git/*/{commit[:16]}*",), name, version)
            requires = next((each for _, each in found), ())
        return Metadata(requires=requires, build_requires=parse_backend(pyproject))

    def _find(
        self, patterns: Iterable[str], name: str, version: str
    ) -> Iterator[tuple[Path, tuple[str, ...]]]:
        for bucket in self._sources:
            for pattern in patterns:
                for path in _newest_first(bucket.glob(f"{pattern}/metadata.msgpack")):
                    requires = _read_record(path, name, version)
                    if requires is not None:
                        yield path, requires


def _read_entry(path: Path, wheel: LockedPackage) -> tuple[str, ...] | None:
    """Return the requirements in an entry of uv's cache, None if it is not that of *wheel*."""
    if path.suffix != ".http":
        return _read_record(path, wheel.name, wheel.version)
    if not wheel.sha256 or wheel.sha256.encode() not in path.read_bytes():
        return None
    for metadata in path.with_suffix("").glob("*.dist-info/METADATA"):
        return _list_requires(metadata.read_text(encoding="utf-8", errors="replace"))
    return None


def _list_requires(text: str) -> tuple[str, ...]:
    return tuple(map(str, HeaderParser().parsestr(text).get_all("Requires-Dist", [])))


def read_wheel(path: Path) -> Metadata:
    """Return the metadata in the wheel at *path*; one that can't be read says nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (each for each in archive.namelist() if _is_metadata(each))
            text = archive.read(name).decode()
    except (OSError, ValueError, zipfile.BadZipFile):
        return Metadata()
    return Metadata(requires=_list_requires(text))


def parse_backend(pyproject: str | None) -> tuple[str, ...]:
    """Return what the text of a `pyproject.toml` says that building needs (PEP 518)."""
    try:
        system = tomllib.loads(pyproject or "").get("build-system")
    except tomllib.TOMLDecodeError:
        return ()
    needed = system.get("requires") if isinstance(system, dict) else _USUAL_BACKEND
    return tuple(map(str, needed)) if isinstance(needed, list | tuple) else ()


def parse_requires(pyproject: str | None) -> tuple[str, ...] | None:
    """Return what the text of a `pyproject.toml` needs to run, None where only a build can tell."""
    try:
        project = tomllib.loads(pyproject or "").get("project")
    except tomllib.TOMLDecodeError:
        return None
    if not isinstance(project, dict):
        return None
    if {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
        return None
    extras = project.get("optional-dependencies", {})
    return (
        *project.get("dependencies", ()),
        *(_add_extra(text, extra) for extra, texts in extras.items() for text in texts),
    )


def _add_extra(text: str, extra: str) -> str:
    requirement, _, marker = text.partition(";")
    condition = f"({marker.strip()}) and " if marker.strip() else ""
    return f"{requirement.strip()} ; {condition}extra == '{extra}'"


def _read_static(folder: Path, name: str, version: str) -> tuple[str, ...] | None:
    """Return what the source code in *folder* says unbuilt, None if it is of something else."""
    try:
        text = read_metadata_file(folder, "PKG-INFO").decode("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    headers = HeaderParser().parsestr(text)
    own = (canonicalize_name(str(headers.get("Name"))), str(headers.get("Version")))
    return _list_requires(text) if own == (name, version) else None


def _read_backend(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    try:
        return parse_backend(read_metadata_file(folder, "pyproject.toml").decode("utf-8"))
    except OSError:
        return _USUAL_BACKEND
    except UnicodeDecodeError:
        return ()


def _read_record(path: Path, name: str, version: str) -> tuple[str, ...] | None:
    """Return the requirements in uv's record at *path*, None unless it is of that package."""
    try:
        record = unpack(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(record, list) or len(record) < _KNOWN_FIELDS or record[:2] != [name, version]:
        return None
    requires = record[2]
    return tuple(map(str, requires)) if isinstance(requires, list) else None


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def _find_buckets(root: Path, pattern: str) -> list[Path]:
    def number(path: Path) -> int:
        match = re.search(r"\d+$", path.name)
        return int(match[0]) if match else 0

    return sorted(root.glob(pattern), key=number, reverse=True)


def _is_metadata(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(".dist-info/METADATA")
