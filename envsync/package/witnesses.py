"""Witnesses: files that change whenever packages of a prefix do, for a cheap check.

They are conda's records, the metadata of Python packages, and the names beside it.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PYTHON = re.compile(r"python3\.\d+t?")
_RECORD = "RECORD"
_LARGEST = 256 << 20  # bytes: some modules beside the metadata are that large
_METADATA = (".dist-info", ".egg-info")
_COMPILED = "__pycache__"


def list_witnesses(prefix: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of the witnesses of *prefix* by path, zeros for a folder."""
    meta = {
        f"conda-meta/{name}": stamp
        for name, stamp in _list_folder(prefix / "conda-meta")
        if name.endswith(".json")
    }
    for folder in find_site_packages(prefix):
        place = folder.relative_to(prefix).as_posix()
        meta.update((f"{place}/{name}", stamp) for name, stamp in _list_folder(folder))
    return meta


def find_site_packages(prefix: Path) -> tuple[Path, ...]:
    """Return the `site-packages` folders of *prefix*.

    The link `lib/python3.1` to `lib/python3.10`, which some Pythons have, is skipped.
    """
    try:
        with os.scandir(prefix / "lib") as entries:
            found = [it.path for it in entries if _PYTHON.fullmatch(it.name) and _is_folder(it)]
    except OSError:
        return ()
    folders = (Path(path, "site-packages") for path in sorted(found))
    return tuple(it for it in folders if it.is_dir() and not it.is_symlink())


def hash_witnesses(prefix: Path, names: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Return the sha256 of each witness in *names*, empty for a folder."""
    return {name: _hash(prefix, name) if any(stamp) else "" for name, stamp in names.items()}


def find_drift(
    prefix: Path, stamps: Mapping[str, tuple[int, int]], hashes: Mapping[str, str]
) -> tuple[str, ...]:
    """Return in words how the witnesses of *prefix* changed, sorted.

    Only those whose *stamps* differ are read.
    """
    now = list_witnesses(prefix)
    changed = [
        name
        for name, stamp in now.items()
        if name in stamps and stamps[name] != stamp and _hash(prefix, name) != hashes.get(name)
    ]
    found = {
        **dict.fromkeys(now.keys() - stamps.keys(), "added"),
        **dict.fromkeys(stamps.keys() - now.keys(), "removed"),
        **dict.fromkeys(changed, "changed"),
    }
    return _describe(found)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _list_folder(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the names in *folder*; a folder of metadata has the stamp of its RECORD."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name == _COMPILED:
            continue
        if not entry.is_dir():
            yield entry.name, _stamp(entry.path)
        elif entry.name.endswith(_METADATA):
            yield f"{entry.name}/{_RECORD}", _stamp(f"{entry.path}/{_RECORD}")
        else:
            yield entry.name, (0, 0)


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.lstat(path)
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _hash(prefix: Path, name: str) -> str:
    try:
        return hashlib.sha256(read_regular(prefix / name, most=_LARGEST)).hexdigest()
    except (OSError, ValueError):
        return ""


def _describe(found: Mapping[str, str]) -> tuple[str, ...]:
    packages = {name: what for path, what in found.items() if (name := _find_package(path))}
    if packages:
        return tuple(f"{name} was {what}" for name, what in sorted(packages.items()))
    return tuple(f"`{path}` was {what}" for path, what in sorted(found.items()))


def _find_package(path: str) -> str:
    folder, _, last = path.rpartition("/")
    if folder == "conda-meta":
        return f"conda's `{last.removesuffix('.json')}`"
    if last == _RECORD:
        return f"`{Path(folder).stem}`" if folder.endswith(_METADATA) else ""
    return ""
