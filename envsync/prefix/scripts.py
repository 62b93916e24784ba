"""Console scripts, which contain the path of their interpreter."""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.package.pip_record import dump_hash, dump_record, read_metadata_file
from envsync.package.witnesses import find_site_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_HEAD = 4096  # a script names its interpreter in its first lines


def retarget_scripts(target: Path, prefix: Path) -> None:
    """Point the scripts that were installed into *target* to *prefix*'s interpreter.

    Their rows in RECORD are updated.
    """
    old, new = str(target).encode(), str(prefix).encode()
    changed: dict[Path, tuple[str, int]] = {}
    for path in _list_scripts(target):
        with path.open("rb") as stream:
            head = stream.read(_LONGEST_HEAD)
            if not head.startswith(b"#!") or old not in head:
                continue
            content = head.replace(old, new) + stream.read()
        _replace(path, content)
        changed[path.resolve()] = (dump_hash(hashlib.sha256(content).digest()), len(content))
    if changed:
        for site_packages in find_site_packages(target):
            for info in sorted(site_packages.glob("*.dist-info")):
                if (info / "RECORD").is_file() and not info.is_symlink():
                    _update_record(info / "RECORD", changed)


def _list_scripts(target: Path) -> Iterator[Path]:
    folder = target / "bin"
    if folder.is_dir():
        yield from sorted(
            path for path in folder.iterdir() if path.is_file() and not path.is_symlink()
        )


def _replace(path: Path, content: bytes) -> None:
    """Write a new file: the old one may be a hard link into a cache."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def _update_record(record: Path, changed: dict[Path, tuple[str, int]]) -> None:
    site_packages = record.parent.parent
    try:
        text = read_metadata_file(record.parent, record.name).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvsyncError(f"Cannot read `{record}`: {error}") from error
    if "../bin/" not in text:
        return
    rows = [
        [row[0], *map(str, changed.get((site_packages / row[0]).resolve(), tuple(row[1:])))]
        for row in csv.reader(text.splitlines())
        if row
    ]
    _replace(record, dump_record(rows))
