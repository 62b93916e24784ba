"""Whether packages that were just installed are what their archives had."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.package.comparison import hash_content
from envsync.package.pip_record import find_infos, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage


def find_edited(
    folders: Iterable[Path], packages: Sequence[LockedPackage], *, counts_gaps: bool
) -> tuple[LockedPackage, ...]:
    """Return those of *packages* in *folders* with a file that is not what their RECORD says.

    uv shares files by hard links between its cache and environments, so an edit in one reaches
    all that come after. Where it copies them their times tell nothing, so every byte is read.
    A file that several packages bring may be that of any of them. A RECORD that lacks what every
    package has may have been cut short, or be as its author left it, which only getting it anew
    can tell; it counts as edited with *counts_gaps*.
    """
    found = {name: info for folder in folders for name, info in find_infos(folder).items()}
    claims: dict[Path, dict[str, str]] = {}
    edited: set[str] = set()
    for package in packages:
        if package.name in found:
            hashed = _list_hashed(found[package.name])
            if counts_gaps and found[package.name] / "METADATA" not in hashed:
                edited.add(package.name)
            for path, sha256 in hashed.items():
                claims.setdefault(path, {})[package.name] = sha256
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        hashes = zip(claims.values(), pool.map(_hash, claims), strict=True)
        edited |= {name for by_name, it in hashes if it not in by_name.values() for name in by_name}
    return tuple(package for package in packages if package.name in edited)


def _list_hashed(info: Path) -> dict[Path, str]:
    """Return the hashes that RECORD has, by their files; one that can't be read has none."""
    try:
        return {row.path: row.sha256 for row in read_record(info) if row.sha256}
    except EnvsyncError:
        return {}


def _hash(path: Path) -> str:
    try:
        return hash_content(path)
    except OSError:
        return ""
