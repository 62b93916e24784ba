"""A service's files as the tar archive by which they get into a container."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import open_regular
from envsync.image.store.tar import Member, dump_header, padding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from envsync.score.app_files import AppMember

_CHUNK = 1 << 20


def dump_folder(folder: str, *, mode: int = 0o755) -> bytes:
    """Return what makes the absolute path *folder*."""
    return dump_header(Member(path=folder.strip("/"), kind="directory", mode=mode))


def dump_members(folder: str, members: Iterable[AppMember]) -> Iterator[bytes]:
    """Yield what puts *members* below the absolute path *folder*; `tar.END` has to come last.

    Raises:
        EnvsyncError: a file can't be read, or becomes shorter meanwhile.
    """
    for member in members:
        path = f"{folder.strip('/')}/{member.path}"
        if member.target:
            yield dump_header(Member(path=path, kind="symlink", target=member.target))
        elif member.origin is None:
            yield dump_header(Member(path=path, kind="directory", mode=0o755))
        else:
            yield from _dump_file(path, member.origin)


def _dump_file(path: str, origin: Path) -> Iterator[bytes]:
    try:
        with open_regular(origin) as stream:
            facts = os.fstat(stream.fileno())
            mode = 0o755 if facts.st_mode & stat.S_IXUSR else 0o644
            mtime = max(0, int(facts.st_mtime))
            yield dump_header(
                Member(path=path, kind="file", size=facts.st_size, mode=mode, mtime=mtime)
            )
            left = facts.st_size
            while left > 0:
                chunk = stream.read(min(_CHUNK, left))
                if not chunk:
                    raise EnvsyncError(f"`{origin}` became shorter while it was copied")
                left -= len(chunk)
                yield chunk
            yield padding(facts.st_size)
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{origin}`: {error.strerror or error}") from error
