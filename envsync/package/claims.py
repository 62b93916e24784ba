"""The files that the packages of a prefix claim in their own records."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.package.installed import find_pip_metadata, read_metadata, read_records
from envsync.package.pip_record import read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_LONGEST = 4096  # characters of a path
_COMPILED = "/__pycache__/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A file of *package* at *path*, relative to the prefix; *sha256* is empty if unknown.

    A link has the hash of its target's text, and that of the bytes it led to when the package was
    built; it *is_loose* if only the latter is known. *original* is the hash of a file before the
    prefix was written into it, None for a link.
    """

    path: str
    package: str
    sha256: frozenset[str] = frozenset()
    original: str | None = None
    is_loose: bool = False


def list_claims(prefix: Path) -> Mapping[str, tuple[Claim, ...]]:
    """Return the claims of the packages of *prefix* by path; several may claim the same.

    Compiled modules are left out.

    Raises:
        EnvsyncError: *prefix* is not a conda environment, or a record can't be read.
    """
    records = read_records(prefix)
    claims: defaultdict[str, tuple[Claim, ...]] = defaultdict(tuple)
    for record in records:
        for claim in _read_conda(record, prefix):
            claims[claim.path] += (claim,)
    for info in find_pip_metadata(prefix, records):
        for claim in _read_pip(info, prefix):
            claims[claim.path] += (claim,)
    return {path: found for path, found in claims.items() if not is_compiled(path)}


def is_compiled(path: str) -> bool:
    """Return whether *path* is that of a compiled module, which Python writes when it likes."""
    return _COMPILED in f"/{path}"


def _read_conda(record: dict[str, Any], prefix: Path) -> Iterator[Claim]:
    title = f"conda {record['name']} {record.get('version', '')} {record.get('build', '')}".strip()
    own = f"conda-meta/{'-'.join(title.split(' ')[1:])}.json"
    if (prefix / own).is_file():
        yield Claim(path=own, package=title)
    described = {str(item.get("_path")): item for item in _list_paths(record)}
    for path, item in described.items():
        placed, original = _read_hash(item, "sha256_in_prefix"), _read_hash(item, "sha256")
        kind = item.get("path_type")
        if kind == "softlink":
            hashes = _gather(placed, original)
            yield Claim(path=path, package=title, sha256=hashes, is_loose=placed is None)
        elif kind != "directory":
            hashes = _gather(placed or original)
            yield Claim(path=path, package=title, sha256=hashes, original=original)
    for path in record.get("files") or ():
        if str(path) not in described:
            yield Claim(path=str(path), package=title)


def _read_hash(item: dict[str, Any], key: str) -> str | None:
    value = item.get(key)
    return value if isinstance(value, str) else None


def _gather(*hashes: str | None) -> frozenset[str]:
    return frozenset(each for each in hashes if each is not None)


def _list_paths(record: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Return the entries of *record*'s files; conda before 4.4 wrote only their names."""
    data = record.get("paths_data")
    paths = data.get("paths") if isinstance(data, dict) else None
    items = [item for item in paths if isinstance(item, dict)] if isinstance(paths, list) else []
    if any(len(str(item.get("_path"))) > _LONGEST for item in items):
        raise EnvsyncError(f"The record of `{record['name']}` has a path that is too long")
    return items


def _read_pip(info: Path, prefix: Path) -> Iterator[Claim]:
    name, version = read_metadata(info)
    if not version:
        return
    title = f"pip {name} {version}"
    try:
        rows = read_record(info)
    except EnvsyncError:  # Linux distributions leave it out
        yield Claim(path=(info / "RECORD").relative_to(prefix).as_posix(), package=title)
        return
    for row in rows:
        if row.path.is_relative_to(prefix):
            path = row.path.relative_to(prefix).as_posix()
            hashes = {row.sha256} if row.sha256 is not None else set()
            yield Claim(path=path, package=title, sha256=frozenset(hashes))
