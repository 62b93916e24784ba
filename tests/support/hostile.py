"""Conda packages that say what no honest one says, and a user's files that lie around them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.fakes import conda_package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

SECRET = "the key to the house"  # noqa: S105  # in a file of the user's that no package may read
PLACEHOLDER = "/opt/placeholder_" + "_" * 60


@dataclass(frozen=True, kw_only=True)
class Item:
    """A member of an archive, and what `info/paths.json` says of it.

    It is a symlink where it has a *target*, and is left out of the archive *kind* is "absent".
    """

    path: str
    content: str = "content"
    target: str | None = None
    kind: str | None = None
    listed: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def file(path: str, **changes: Any) -> Item:
    return Item(path=path, **changes)


def link(path: str, target: str, **changes: Any) -> Item:
    return Item(path=path, target=target, **changes)


def rewritten(path: str, **changes: Any) -> Item:
    more = {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
    return Item(path=path, content=f"{PLACEHOLDER}/bin", more=more, **changes)


def make_package(
    channel: Path,
    items: Sequence[Item],
    *,
    name: str = "evil",
    index: Mapping[str, Any] | None = None,
    info: Mapping[str, str] | None = None,
    subdir: str = "linux-64",
) -> LockedPackage:
    """Make the package *name* of *items* in *channel*; return it as it would be locked.

    *index* changes what it says of itself, *info* has more files of its metadata, by name; None
    in the place of a file's text leaves it out.
    """
    about = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "subdir": subdir}
    paths = [
        {
            "_path": item.path if item.listed is None else item.listed,
            "path_type": item.kind or ("softlink" if item.target is not None else "hardlink"),
            **item.more,
        }
        for item in items
    ]
    texts: dict[str, str | None] = {
        "index.json": json.dumps({**about, "depends": [], **(index or {})}),
        "paths.json": json.dumps({"paths": paths, "paths_version": 1}),
        **(info or {}),
    }
    path = channel / subdir / f"{name}-1.0-0.tar.bz2"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:bz2") as archive:
        for item in items:
            if item.kind != "absent":
                _add(archive, item.path, item.content, item.target)
        for file_name, text in texts.items():
            if text is not None:
                _add(archive, f"info/{file_name}", text, None)
    content = path.read_bytes()
    return conda_package(
        name,
        url=path.as_uri(),
        subdir=subdir if subdir != "noarch" else "linux-64",
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _add(archive: tarfile.TarFile, path: str, content: str, target: str | None) -> None:
    member = tarfile.TarInfo(path)
    member.mtime = 1_700_000_000
    if target is not None:
        member.type, member.linkname = tarfile.SYMTYPE, target
        archive.addfile(member)
    else:
        member.size = len(content.encode())
        archive.addfile(member, io.BytesIO(content.encode()))


def make_surroundings(root: Path) -> Path:
    """Make a user's own files below *root*, which no package may touch; return their folder."""
    mine = root / "mine"
    (mine / "empty").mkdir(parents=True)
    (mine / "secret").write_text(SECRET)
    (mine / "script.sh").write_text("#!/bin/sh\n")
    (mine / "script.sh").chmod(0o755)
    (mine / "folder").mkdir()
    (mine / "folder" / "notes").write_text("notes")
    return mine


def describe(*roots: Path) -> dict[str, tuple[object, ...]]:
    """Return what lies in *roots*: kind, permissions, owner, time and content of each."""
    found: dict[str, tuple[object, ...]] = {}
    for root in roots:
        for path in (root, *sorted(root.rglob("*"))):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            target = os.readlink(path) if path.is_symlink() else ""  # noqa: PTH115
            about = (status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns)
            found[str(path)] = (*about, content, target)
    return found


def list_readers(root: Path) -> list[Path]:
    """Return the files below *root* that hold the secret, or are another name of its file."""
    return [
        path
        for path in root.rglob("*")
        if not path.is_symlink() and path.is_file() and SECRET.encode() in path.read_bytes()
    ]


def count_examples(usual: int) -> int:
    """Return how many examples to generate: as `ENVSYNC_HOSTILE_EXAMPLES` says, if it does."""
    return int(os.environ.get("ENVSYNC_HOSTILE_EXAMPLES") or usual)
