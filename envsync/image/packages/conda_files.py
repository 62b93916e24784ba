"""The files of conda packages in an image, taken from a prefix that they were linked into."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files import open_regular
from envsync.image.store.files import ImageFile
from envsync.image.store.tar import FIXED_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# Fields of a record that differ from machine to machine.
_OF_THIS_MACHINE = ("extracted_package_dir", "package_tarball_full_path", "link")
_PYC = struct.Struct("<4xIII")  # after the magic number: flags, the source's time, its size


def load_records(staged: Path) -> dict[str, dict[str, Any]]:
    """Return conda's own records of the packages in the prefix *staged*, by name."""
    records = {}
    for path in sorted((staged / "conda-meta").glob("*.json")):
        record = json.loads(path.read_bytes())
        records[record["name"]] = record
    return records


def list_conda_files(
    record: Mapping[str, Any], *, staged: Path, prefix: str
) -> Sequence[ImageFile]:
    """Return the files that *record* lists, and a record of them for the image.

    Files that were linked into *staged* go to *prefix*. A file that was moved aside for another
    package's is back in its place. Compiled modules stay valid, as their sources get the time that
    Python looks for; none is added.
    """
    paths: list[dict[str, Any]] = record["paths_data"]["paths"]
    times = dict(_find_times(staged, [item["_path"] for item in paths]))
    files = [
        _to_file(item, staged=staged, prefix=prefix, mtime=times.get(item["_path"], FIXED_TIME))
        for item in paths
        if item["path_type"] != "directory"
    ]
    name = f"{record['name']}-{record['version']}-{record['build']}.json"
    own = ImageFile(path=f"{prefix}/conda-meta/{name}", content=_dump_record(record))
    return (*files, own)


def list_conda_claims(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the files in *record*."""
    return tuple(_original_path(item) for item in record["paths_data"]["paths"])


def list_holders(records: Mapping[str, Mapping[str, Any]], *, prefix: str) -> dict[str, str]:
    """Return the package that has each path, by the *records* of a prefix."""
    return {
        f"{prefix}/{item['_path']}": name
        for name, record in records.items()
        for item in record["paths_data"]["paths"]
        if not item.get("original_path")
    }


def _to_file(item: Mapping[str, Any], *, staged: Path, prefix: str, mtime: int) -> ImageFile:
    source = staged / item["_path"]
    path = f"{prefix}/{_original_path(item)}"
    try:
        if source.is_symlink():
            return ImageFile(path=path, target=str(source.readlink()))
        is_executable = bool(source.stat().st_mode & 0o100)
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{source}`: {error.strerror}") from error
    return ImageFile(
        path=path,
        source=source,
        sha256=item.get("sha256_in_prefix") or item.get("sha256"),
        is_executable=is_executable,
        mtime=mtime,
    )


def _original_path(item: Mapping[str, Any]) -> str:
    return str(item.get("original_path") or item["_path"])


def _find_times(staged: Path, paths: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Yield the sources of compiled modules in *paths*, with the time in the compiled ones.

    Python uses a compiled module only if its source has the time and size recorded in it.
    """
    for path in paths:
        folder, slash, name = path.rpartition("/__pycache__/")
        if not slash or not name.endswith(".pyc"):
            continue
        source = f"{folder}/{name.partition('.')[0]}.py"
        try:
            with open_regular(staged / path, follows=False) as stream:
                flags, time, size = _PYC.unpack(stream.read(_PYC.size))
            if flags == 0 and (staged / source).stat().st_size == size:
                yield source, time
        except (OSError, struct.error):
            continue  # without its source, or broken for Python too


def _dump_record(record: Mapping[str, Any]) -> bytes:
    """Return *record* without the fields that differ between machines."""
    kept = {key: value for key, value in record.items() if key not in _OF_THIS_MACHINE}
    paths = sorted(
        (
            {key: value for key, value in item.items() if key != "original_path"}
            | {"_path": _original_path(item)}
            for item in record["paths_data"]["paths"]
        ),
        key=lambda item: str(item["_path"]),
    )
    kept["paths_data"] = {**record["paths_data"], "paths": paths}
    kept["files"] = [item["_path"] for item in paths]
    return json.dumps(kept, indent=1, sort_keys=True).encode() + b"\n"
