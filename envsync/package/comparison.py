"""Comparing the files of an environment with the records of its packages."""

from __future__ import annotations

import hashlib
import os
import posixpath
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envsync.files.hashing import hash_file
from envsync.package.claims import Claim, is_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_MOST_LINKS = 40  # as in Linux
_OF_CONDA = ("conda-meta/", "CACHEDIR.TAG")  # the latter is for backup programs

Problem = Literal["missing", "changed", "added"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDifference:
    """A file that differs from its record; *package* is empty for an added file."""

    path: str
    problem: Problem
    package: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file by the sha256 of its bytes, or a link by its *target*."""

    sha256: str
    target: str | None = None


def read_folder(prefix: Path) -> dict[str, FoundFile]:
    """Return the files and links of *prefix* by relative path, without compiled modules.

    Raises:
        OSError: a file can't be read.
    """
    places = [(name, is_link) for name, is_link in _walk(prefix) if not is_compiled(name)]
    links = {
        name: describe_link(str((prefix / name).readlink())) for name, is_it in places if is_it
    }
    files = [name for name, is_link in places if not is_link]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        hashes = pool.map(hash_content, (prefix / name for name in files))
        return {**links, **dict(zip(files, map(FoundFile, hashes), strict=True))}


def describe_link(target: str) -> FoundFile:
    """Return a link to *target*."""
    text = target.encode(errors="surrogateescape")
    return FoundFile(hashlib.sha256(text).hexdigest(), target)


def hash_content(path: Path) -> str:
    """Return the sha256 of the file at *path*, nothing for a socket and the like."""
    return hash_file(path).removeprefix("sha256:") if path.is_file() else ""


def compare_files(
    claims: Mapping[str, Sequence[Claim]], found: Mapping[str, FoundFile]
) -> tuple[FileDifference, ...]:
    """Return how *found* differs from *claims*, sorted by path.

    A file that several packages claim may be that of any of them. Conda's own files and modules
    that were compiled later do not count as added.
    """
    seen = set()
    differences = []
    for path, several in sorted(claims.items()):
        place = _resolve(found, path)
        seen.add(place)
        problem = _judge(several, place, found, claims)
        if problem is not None:
            package = several[-1].package
            differences.append(FileDifference(path=path, problem=problem, package=package))
    differences += [
        FileDifference(path=path, problem="added", package="")
        for path in sorted(found.keys() - seen)
        if not path.startswith(_OF_CONDA) and not is_compiled(path)
    ]
    return tuple(differences)


def _walk(root: Path) -> Iterator[tuple[str, bool]]:
    """Yield each path below *root*, and whether it is a link."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(root / below) as entries:
            for entry in entries:
                name = f"{below}{entry.name}"
                if entry.is_symlink():
                    yield name, True
                elif not entry.is_dir():
                    yield name, False
                elif not is_compiled(f"{name}/"):
                    waiting.append(f"{name}/")


def _resolve(found: Mapping[str, FoundFile], path: str) -> str:
    """Return the real place of *path*, as folders such as `lib64` may be links."""
    for _ in range(_MOST_LINKS):
        if path in found:
            return path
        parts = path.split("/")
        heads = ("/".join(parts[:count]) for count in range(1, len(parts)))
        link = next((head for head in heads if head in found and found[head].target), None)
        if link is None:
            return path
        path = _follow(link, found[link].target or "") + path[len(link) :]
    return path


def _follow(link: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(link), target))


def _judge(
    several: Sequence[Claim],
    place: str,
    found: Mapping[str, FoundFile],
    claims: Mapping[str, Sequence[Claim]],
) -> Problem | None:
    file = found.get(place)
    if file is None:
        return "missing"
    if any(not claim.sha256 or file.sha256 in claim.sha256 for claim in several):
        return None
    if file.target is None:
        return "changed"
    end = _resolve(found, _follow(place, file.target))
    reached = {found[end].sha256} if end in found else set()
    reached |= {claim.original for claim in claims.get(end, ()) if claim.original}
    leads_out = end.startswith(("/", "../"))
    is_right = any(
        reached & claim.sha256
        or (claim.is_loose and not leads_out and not _owns(claim, claims.get(end, ())))
        for claim in several
    )
    return None if is_right else "changed"


def _owns(claim: Claim, others: Sequence[Claim]) -> bool:
    return any(other.package == claim.package for other in others)
